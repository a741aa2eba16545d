import { randomUUID } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { bulkhead } from 'cockatiel';
import type { Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Explanation } from '#core/lake/coverage.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { intervalUs } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { countOf, minus } from '#pipelines/backfill-trades/ranges.ts';
import { acceptBars, runsIn, type BarSpan } from './bars.ts';
import { commitBars, type Taken } from './commit.ts';
import { holdersOf } from './holders.ts';
import { loadFiles, type RefusedFile } from './load.ts';
import type { BarReport } from './report.ts';
import { fetchFromRest } from './rest.ts';
import { neverPublished, settleHoles, type Hole, type Settled } from './settle.ts';
import { cheapestFiles, type BarOrigin, type BarTarget } from './sources.ts';

export interface BarRequest {
  /** Missing bars, of one interval: what is committed together. */
  targets: readonly BarTarget[];
  origin: BarOrigin;
  exchange: Exchange;
  /** Opens the bulk archive, where a file of it is wanted. */
  openArchive: () => Promise<Archive>;
  lake: Lake;
  /** A folder for files on their way, and for DuckDB to spill to. */
  spillDir: string;
  signal?: AbortSignal | undefined;
  /** Called in the transaction of the commit; the report is then what is returned. */
  finish?: (tx: Transaction, report: BarReport) => Promise<void>;
  /** Bars that are there, of those that were missing. */
  progress?: (done: number, total: number) => void;
}

const broughtSql = sqlFile(import.meta.url, 'sql/brought.sql');
const duckThreads = 2;
const duckMemory = '512MB';
const targetsAtOnce = 4;

/**
 * Filter 3 for bars: brings missing bars in one commit, each from the cheapest source that has it: files of the bulk
 * archive where they take fewer requests, REST for the rest and for what damaged or lacking files leave. Where the venue
 * confirms that it has none between two bars, flat ones are made; where it has none before or after, that is said
 * (`never_published`). Only bars that are closed by the venue's clock. Where only the archive may be asked, what it lacks
 * stays missing.
 * @throws what the venue, the archive and commits throw; EXCHANGE_MALFORMED where an answer has a bar that cannot be.
 */
export async function backfillKlineTask(request: BarRequest): Promise<BarReport> {
  const folder = join(request.spillDir, `klines-${randomUUID()}`);
  await mkdir(folder, { recursive: true });
  const duck = await DuckDb.open({ threads: duckThreads, memoryLimit: duckMemory, spillDir: folder });
  try {
    const nowUs = await request.exchange.timeUs(request.signal);
    return await new BarTask(request, duck, folder, nowUs).run();
  } finally {
    duck.close();
    await rm(folder, { recursive: true, force: true });
  }
}

class BarTask {
  readonly #request: BarRequest;
  readonly #duck: DuckDb;
  readonly #folder: string;
  readonly #nowUs: number;
  readonly #targets: readonly BarTarget[];
  readonly #asked = new Set<string>();
  readonly #taken: Taken = { files: [], answers: 0 };
  readonly #damaged: RefusedFile[] = [];

  constructor(request: BarRequest, duck: DuckDb, folder: string, nowUs: number) {
    this.#request = request;
    this.#duck = duck;
    this.#folder = folder;
    this.#nowUs = nowUs;
    this.#targets = request.targets.map((target) => {
      const length = intervalUs(target.interval);
      const closed = Math.floor(nowUs / length) * length;
      const ranges = target.ranges.map(({ from, to }) => ({ from, to: Math.min(to, closed) }));
      return { ...target, ranges: ranges.filter(({ from, to }) => from < to) };
    });
  }

  async run(): Promise<BarReport> {
    const { origin, exchange, lake, finish } = this.#request;
    await this.#duck.run(broughtSql);
    await this.#bringFiles(origin);
    const unknown = origin === 'archive' ? new Set<string>() : await this.#bringAnswers();
    // What REST cannot tell any more, the archive may.
    if (unknown.size > 0 && origin === 'auto') await this.#bringFiles('archive', unknown);
    const missing = await this.#missing();
    this.#progress(missing);
    const settled = await this.#settle(missing, unknown);
    return await commitBars(this.#duck, {
      ...{ lake, source: exchange.source, taken: this.#taken, damaged: this.#damaged, finish },
      ...settled,
    });
  }

  /** What is to be said of bars that no source gave; the archive alone confirms nothing. */
  async #settle(missing: readonly BarTarget[], unknown: ReadonlySet<string>): Promise<Settled> {
    const { origin, exchange, lake, signal } = this.#request;
    if (origin === 'archive') return { filled: 0, explained: [], left: countBars(missing) };
    const holders = await holdersOf(lake.database, exchange.source, missing);
    const known = missing.filter(({ listing }) => !unknown.has(listing));
    const settled = await settleHoles(this.#duck, known.flatMap(holesOf), {
      ...{ exchange, holders, nowUs: this.#nowUs, signal },
    });
    const lost = missing.filter(({ listing }) => unknown.has(listing));
    if (origin === 'rest') return { ...settled, left: settled.left + countBars(lost) };
    const explained = lost.flatMap(holesOf).map((hole) => this.#unlisted(hole));
    return { ...settled, explained: [...settled.explained, ...explained] };
  }

  /** Files that are cheaper, until none is left: where one is damaged or lacks bars, the next cheapest way follows. */
  async #bringFiles(origin: BarOrigin, listings?: ReadonlySet<string>): Promise<void> {
    const { openArchive, exchange, signal } = this.#request;
    for (;;) {
      const missing = (await this.#missing()).filter(({ listing }) => listings?.has(listing) ?? true);
      const choice = {
        origin,
        nowUs: this.#nowUs,
        isTried: ({ path }: { path: string }) => this.#asked.has(path),
      };
      const files = missing.flatMap((target) => cheapestFiles(target, choice));
      if (files.length === 0) return;
      for (const { path } of files) this.#asked.add(path);
      const { loaded, refused } = await loadFiles(this.#duck, {
        ...{ archive: await openArchive(), files, source: exchange.source, nowUs: this.#nowUs },
        ...{ spans: missing.flatMap(spansOfTarget), folder: this.#folder, signal },
      });
      this.#damaged.push(...refused.filter(({ error }) => error.code === 'DATA_CORRUPT'));
      this.#taken.files.push(...loaded);
      if (loaded.length > 0) await this.#keepAccepted();
      this.#progress(await this.#missing());
    }
  }

  /** Asks REST for all that is missing; gives the listings whose names it does not know. */
  async #bringAnswers(): Promise<Set<string>> {
    const { exchange, signal } = this.#request;
    const missing = await this.#missing();
    const lanes = bulkhead(targetsAtOnce, Infinity);
    const options = { nowUs: this.#nowUs, folder: this.#folder, signal };
    const results = await Promise.allSettled(
      missing.map((target) => lanes.execute(() => fetchFromRest(exchange, target, options))),
    );
    const answered = results.map((result) => {
      if (result.status === 'rejected') throw result.reason;
      return result.value;
    });
    for (const { answers } of answered) this.#taken.answers += answers;
    const files = answered.flatMap(({ file }) => file ?? []);
    if (files.length > 0) {
      const [fault] = await acceptBars(this.#duck, files, {
        ...{ source: exchange.source, spans: missing.flatMap(spansOfTarget), nowUs: this.#nowUs },
      });
      if (fault !== undefined) throw impossibleBar(files[fault.fileNo]?.symbol ?? '', fault.reason);
      await this.#keepAccepted();
    }
    return new Set(answered.flatMap(({ isUnknown, target }) => (isUnknown ? target.listing : [])));
  }

  async #keepAccepted(): Promise<void> {
    await this.#duck.run('insert into brought by name from accepted');
  }

  /** What of the targets is not there yet. */
  async #missing(): Promise<BarTarget[]> {
    const brought = await runsIn(this.#duck, 'brought', this.#request.exchange.source);
    const held = Map.groupBy(brought, ({ listing, interval = '' }) => `${listing}/${interval}`);
    return this.#targets
      .map((target) => {
        const runs = held.get(`${target.listing}/${target.interval}`) ?? [];
        const ranges = minus(
          target.ranges,
          runs.map(({ lo, hi }) => ({ from: lo, to: hi })),
        );
        return { ...target, ranges };
      })
      .filter(({ ranges }) => ranges.length > 0);
  }

  #unlisted(hole: Hole): Explanation {
    const { source } = this.#request.exchange;
    const { symbol } = hole.target;
    return neverPublished(
      source,
      hole,
      `the venue does not know ${symbol} any more, and its archive has no bar`,
    );
  }

  #progress(missing: readonly BarTarget[]): void {
    const total = countBars(this.#targets);
    this.#request.progress?.(total - countBars(missing), total);
  }
}

function holesOf(target: BarTarget): Hole[] {
  return target.ranges.map((range) => ({ ...range, target }));
}

function spansOfTarget({ symbol, listing, interval, ranges }: BarTarget): BarSpan[] {
  return ranges.map(({ from, to }) => ({ symbol, listing, interval, lo: from, hi: to }));
}

function countBars(targets: readonly BarTarget[]): number {
  return targets.reduce((sum, { ranges, interval }) => sum + countOf(ranges) / intervalUs(interval), 0);
}

function impossibleBar(symbol: string, reason: string): TicklakeError {
  return new TicklakeError('EXCHANGE_MALFORMED', `REST gave a bar of ${symbol} that cannot be: ${reason}`, {
    remedy: 'Ask again later; if it stays so, compare it with the archive and report it to the exchange.',
  });
}
