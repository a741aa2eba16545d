import type { DamagedFile } from '#pipelines/backfill-trades/report.ts';

/** What became of one piece of work; of a job's partition, what is kept of it. */
export interface BarReport {
  /** Bars that were committed, flat ones too; 0 where the lake held them as they are. */
  rows: number;
  /** Flat bars for calendar gaps that the venue confirmed. */
  filled: number;
  /** Bars of which is now known why there are none. */
  explained: number;
  /** Bars that stay missing. */
  left: number;
  /** Whether the lake held all of it as it is. */
  unchanged: boolean;
  /** Files of the archive that were taken, and answers of REST. */
  files: number;
  answers: number;
  /** At most 20. */
  damaged: DamagedFile[];
}
