import type { Differences } from './differences.ts';

/** A file of the archive that could not be taken, and what is wrong with it. */
export interface DamagedFile {
  /** Its path in the archive. */
  file: string;
  /** Such as `checksum-mismatch` or `zip-truncated`; `trade` where a line cannot be. */
  damage: string;
  message: string;
}

/** What became of one piece of work; of a job's partition, what is kept of it. */
export interface TradeTaskReport {
  /** Trades that became held. */
  rows: number;
  fromArchive: number;
  fromRest: number;
  /** Ids of which is now known why they are not held. */
  explained: number;
  /** Ids that are left: not held, not explained. */
  missing: number;
  /** The archive's file that was taken. */
  file: string | null;
  damaged: DamagedFile[];
  /** Held trades of which a source said otherwise; they are in `lake.differences`, a few of them here. */
  differences: number;
  differing: number[];
}

export const nothingBrought: TradeTaskReport = {
  ...{ rows: 0, fromArchive: 0, fromRest: 0, explained: 0, missing: 0, file: null },
  ...{ damaged: [], differences: 0, differing: [] },
};

const differingMax = 20;

/** The report with a commit's trades and differences in it. */
export function withCommit(
  report: TradeTaskReport,
  from: 'archive' | 'rest',
  { rows, differences }: { rows: number; differences: Differences },
): TradeTaskReport {
  return {
    ...report,
    rows: report.rows + rows,
    fromArchive: report.fromArchive + (from === 'archive' ? rows : 0),
    fromRest: report.fromRest + (from === 'rest' ? rows : 0),
    differences: report.differences + differences.count,
    differing: [...report.differing, ...differences.sample].slice(0, differingMax),
  };
}
