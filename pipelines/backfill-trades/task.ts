import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { lockTable } from '#core/lake/commit.ts';
import { explainIds, heldWithin, type Explanation } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { Range } from '#pipelines/detect-gaps/partitions.ts';
import type { GapTask } from '#pipelines/detect-gaps/wanted.ts';
import { nameHolders } from '#pipelines/discover-symbols/listing-at.ts';
import { rememberArchiveFiles } from '#pipelines/restate-archive/ledger.ts';
import { commitTape } from './commit.ts';
import { readDayFile } from './day-file.ts';
import { answersFor, countOf, merged, minus } from './ranges.ts';
import { nothingBrought, withCommit, type TradeTaskReport } from './report.ts';
import { restPieces } from './rest-pieces.ts';
import type { Coin, Span } from './tape.ts';

/** Where trades may come from; `auto` is the cheapest that has them. */
export type TradeOrigin = 'auto' | 'rest' | 'archive';

export interface TradeTaskRequest {
  /** Ids of one listing on one UTC day. */
  task: GapTask;
  from: TradeOrigin;
  exchange: Exchange;
  /** Opens the venue's bulk archive, where it is to be asked. */
  openArchive: () => Promise<Archive>;
  lake: Lake;
  /** A folder for files on their way, and for DuckDB to spill to. */
  spillDir: string;
  signal: AbortSignal;
  /** Called in the transaction of the last commit, if it is known to be the last; the report is then what is returned. */
  finish?: (tx: Transaction, report: TradeTaskReport) => Promise<void>;
  /** Ids that are settled, of those that were missing. */
  progress?: (done: number, total: number) => void;
  /** Most trades of REST that are staged at once. */
  pieceTradesMax?: number;
}

/** A file of the archive is two requests: the zip and its checksum. */
const fileRequests = 2;
/** Bounds of one task, whatever the size of its day. */
const duckThreads = 2;
const duckMemory = '256MB';
const dayUs = 86_400_000_000;

/**
 * Filter 3 for trades: brings what is missing of one listing's day. The archive's file of a day that is over, where REST
 * would take more requests; REST by id for the rest. What is held is compared and stays. A damaged file is kept in the
 * report, and REST has its turn. Ids that neither has, where REST passes over them, are explained. Each piece is
 * committed by itself: begun again, a task goes on with what is still missing.
 * @throws NOT_FOUND and DATA_CORRUPT where only the archive may be asked, and what the venue and commits throw.
 */
export async function backfillTradeTask(request: TradeTaskRequest): Promise<TradeTaskReport> {
  const { lake, task, spillDir } = request;
  const holders = await nameHolders(lake.database, { source: task.source, symbols: [task.symbol] });
  const life = holders.find(({ listing }) => listing === task.listing) ?? {
    fromUs: 0,
    toUs: Number.MAX_SAFE_INTEGER,
  };
  const folder = join(spillDir, `trades-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: duckThreads, memoryLimit: duckMemory, spillDir: folder });
  try {
    const isNameOurs = holders.at(-1)?.listing === task.listing || holders.length < 2;
    return await new TradeTask(request, duck, folder, life, isNameOurs).run();
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

class TradeTask {
  readonly #request: TradeTaskRequest;
  readonly #duck: DuckDb;
  readonly #folder: string;
  readonly #coin: Coin;
  readonly #life: Span;
  /** REST gives the coin that has the name now: of an earlier one, only the archive has trades. */
  readonly #mayAskRest: boolean;
  #left: Range[];
  #report: TradeTaskReport = nothingBrought;
  #isFileRead = false;

  constructor(request: TradeTaskRequest, duck: DuckDb, folder: string, life: Span, isNameOurs: boolean) {
    const { source, symbol, listing, ranges } = request.task;
    this.#request = request;
    this.#duck = duck;
    this.#folder = folder;
    this.#coin = { source, symbol, listing };
    this.#life = life;
    this.#mayAskRest = isNameOurs && request.from !== 'archive';
    this.#left = [...ranges];
  }

  async run(): Promise<TradeTaskReport> {
    this.#left = await this.#notHeld(this.#left);
    if (await this.#isFileCheaper()) await this.#takeFile();
    if (this.#left.length > 0 && this.#mayAskRest) await this.#askRest();
    return { ...this.#report, missing: countOf(this.#left) };
  }

  async #isFileCheaper(): Promise<boolean> {
    const { from } = this.#request;
    if (this.#left.length === 0 || from === 'rest' || !isDay(this.#request.task.period)) return false;
    if (!this.#mayAskRest) return true;
    return answersFor(this.#left) > fileRequests && (await this.#isDayOver());
  }

  async #isDayOver(): Promise<boolean> {
    const { exchange, signal, task } = this.#request;
    return isDay(task.period) && this.#day().toUs <= (await exchange.timeUs(signal));
  }

  #day(): Span {
    const fromUs = Date.parse(this.#request.task.period) * 1_000;
    return { fromUs, toUs: fromUs + dayUs };
  }

  async #takeFile(): Promise<void> {
    const { lake, openArchive, from, task, signal } = this.#request;
    const { fromUs, toUs } = this.#day();
    const wanted = { fromUs: Math.max(fromUs, this.#life.fromUs), toUs: Math.min(toUs, this.#life.toUs) };
    const archive = await openArchive();
    const day = { archive, symbol: task.symbol, day: task.period, wanted, folder: this.#folder, signal };
    const found = await readDayFile(this.#duck, day);
    this.#isFileRead = true;
    if (found.kind === 'damaged') {
      lake.metrics
        .counter('ticklake_backfill_damaged_files_total', 'Files of the archive that could not be taken', [
          'damage',
        ])
        .inc({ damage: found.damaged.damage });
      this.#report = { ...this.#report, damaged: [...this.#report.damaged, found.damaged] };
    }
    if (found.kind !== 'read') {
      if (from === 'archive') throw found.error;
      return;
    }
    signal.throwIfAborted();
    const { file, sha256, tape } = found;
    const left = minus(this.#left, tape.runs);
    const lost = this.#mayAskRest || from === 'archive' ? [] : left;
    const isLast = left.length === 0 || !this.#mayAskRest;
    const report = (commit: Parameters<typeof withCommit>[2]): TradeTaskReport => ({
      ...withCommit(this.#report, 'archive', commit),
      ...{ file: file.path, explained: this.#report.explained + countOf(lost) },
      missing: countOf(left) - countOf(lost),
    });
    const done = await commitTape(this.#duck, lake, {
      ...{ coin: this.#coin, tape, channel: 'archive', origin: { origin: file.path, sha256 } },
      explained: this.#explanations(
        lost,
        'name_reused',
        `${file.name} lacks them, and the venue has another coin under the name`,
      ),
      guard: async (tx, commit) => {
        const keys = tape.runs.map(({ from, to }) => ({ lo: from, hi: to }));
        await rememberArchiveFiles(tx, task.source, commit.commitId, [
          { file, sha256, rows: tape.trades, keys },
        ]);
        if (isLast) await this.#request.finish?.(tx, report(commit));
      },
    });
    this.#report = report(done);
    this.#settle(minus(left, lost));
  }

  async #askRest(): Promise<void> {
    const { lake, exchange, task, signal, pieceTradesMax } = this.#request;
    const asked = {
      ...{
        exchange,
        symbol: task.symbol,
        ranges: this.#left,
        life: this.#life,
        folder: this.#folder,
        signal,
      },
      ...(pieceTradesMax === undefined ? {} : { pieceTradesMax }),
    };
    let absent: Range[] = [];
    for await (const piece of restPieces(this.#duck, asked)) {
      absent = merged([...absent, ...piece.absent]);
      const foreign = merged(piece.foreign);
      const left = minus(this.#left, [...piece.tape.runs, ...foreign]);
      const isLast = piece.isLast && absent.length === 0;
      const report = (commit: Parameters<typeof withCommit>[2]): TradeTaskReport => ({
        ...withCommit(this.#report, 'rest', commit),
        ...{ explained: this.#report.explained + countOf(foreign), missing: countOf(left) },
      });
      signal.throwIfAborted();
      if (piece.tape.trades > 0 || foreign.length > 0) {
        const done = await commitTape(this.#duck, lake, {
          ...{ coin: this.#coin, tape: piece.tape, channel: 'rest', origin: { origin: 'rest', sha256: '' } },
          explained: this.#explanations(foreign, 'other_listing', 'trades of another coin that had the name'),
          guard: async (tx, commit) => {
            if (isLast) await this.#request.finish?.(tx, report(commit));
          },
        });
        this.#report = report(done);
      }
      this.#settle(left);
    }
    if (absent.length > 0) await this.#explainAbsent(absent);
  }

  /** REST has passed over them; the archive may still have them. */
  async #explainAbsent(absent: readonly Range[]): Promise<void> {
    const { lake, from } = this.#request;
    if (!this.#isFileRead && from === 'auto' && (await this.#isDayOver())) await this.#takeFile();
    const never = await this.#notHeld(minus(absent, minus(absent, this.#left)));
    if (never.length === 0) return;
    const left = minus(this.#left, never);
    const report = {
      ...this.#report,
      explained: this.#report.explained + countOf(never),
      missing: countOf(left),
    };
    await lake.database.transaction(async (tx) => {
      await lockTable(tx, tableId(trades));
      const detail = 'REST has later ids, but none of these';
      await explainIds(tx, tableId(trades), this.#explanations(never, 'never_published', detail));
      await this.#request.finish?.(tx, report);
    });
    this.#report = report;
    this.#settle(left);
  }

  #explanations(ranges: readonly Range[], cause: string, detail: string): Explanation[] {
    const { source, listing } = this.#coin;
    return ranges.map(({ from, to }) => ({ source, listing, lo: from, hi: to, cause, detail }));
  }

  async #notHeld(ranges: readonly Range[]): Promise<Range[]> {
    const { source, listing } = this.#coin;
    const spans = ranges.map(({ from, to }) => ({ source, listing, lo: from, hi: to }));
    const held = await heldWithin(this.#request.lake.database, tableId(trades), spans);
    return minus(
      ranges,
      held.map(({ lo, hi }) => ({ from: lo, to: hi })),
    );
  }

  #settle(left: Range[]): void {
    this.#left = left;
    const { task, progress } = this.#request;
    progress?.(task.count - countOf(left), task.count);
  }
}

/** Ids may be wanted of which nobody knows the day. */
function isDay(period: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(period);
}
