import { literal, type DuckDb, type Statement } from '#core/lake/duckdb.ts';
import { intervals, intervalUs } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { candlesOfParts } from './candles.ts';
import { LiveMarket, type BarLength, type DueBars, type IdRun, type ResumePoint } from './live-market.ts';

const newPartsSql = sqlFile(import.meta.url, '../../transforms/rendered/int_live_parts.sql');
const mergedPartsSql = sqlFile(import.meta.url, '../../transforms/rendered/int_merged_parts.sql');
const tablesSql = sqlFile(import.meta.url, 'sql/live-tables.sql');
const runsSql = sqlFile(import.meta.url, 'sql/live-runs.sql');
const lateSql = sqlFile(import.meta.url, 'sql/live-late.sql');
const inPartsSql = sqlFile(import.meta.url, 'sql/live-in-parts.sql');
const closedSql = sqlFile(import.meta.url, 'sql/live-closed.sql');
const saidSql = sqlFile(import.meta.url, 'sql/live-said.sql');
const compactSql = sqlFile(import.meta.url, 'sql/live-compact.sql');

export interface MarketName {
  source: string;
  symbol: string;
}

const secondUs = 1_000_000;
const minuteUs = 60 * secondUs;
/** Late trades revise bars that ended so long before, in the venue's time; what comes later the next batch puts right. */
export const lateUs = 120 * minuteUs;
const lateSecondsUs = 2 * minuteUs;
/** Bars that are closed together; those of a second apart, as they are many, and nothing follows from them. */
export type Track = 'seconds' | 'minutes';

const lengths: Readonly<Record<Track, readonly BarLength[]>> = {
  seconds: [{ interval: '1s', lengthUs: secondUs, keepUs: lateSecondsUs }],
  minutes: intervals.map((interval) => {
    const lengthUs = intervalUs(interval);
    return { interval, lengthUs, keepUs: Math.max(lateUs, lengthUs) };
  }),
};
const tracks: readonly Track[] = ['minutes', 'seconds'];

interface NewRun extends MarketName, IdRun {
  earliestUs: number;
}

interface Market extends MarketName {
  tracks: Readonly<Record<Track, LiveMarket>>;
}

/** Run for every batch and close, so that they are planned once. */
interface Statements {
  runs: Statement;
  newParts: Statement;
  inParts: Statement;
  late: Statement;
  closed: Statement;
  said: Statement;
}

/** Parts are put together when so many have come since, or as many as there are. */
const compactAfterMin = 20_000;

/**
 * Bars of a second to a day that are open, kept in an in-memory DuckDB as trades come in any order, and said at their
 * close: by the very text of the model `candles`. A bar is closed when its ids prove that nothing of it is to come, at
 * the latest when the watermark is past it; what comes later makes it be said again. Nothing is counted twice.
 */
export class LiveCandles {
  readonly #duck: DuckDb;
  readonly #statements: Statements;
  readonly #markets = new Map<string, Market>();
  #uncompacted = 0;
  #compactAfter = compactAfterMin;
  /** What `market.trades` is. */
  #trades = 'live.batch';

  private constructor(duck: DuckDb, statements: Statements) {
    this.#duck = duck;
    this.#statements = statements;
  }

  /** Makes its tables, in the schema `live` of this DuckDB. */
  static async open(duck: DuckDb): Promise<LiveCandles> {
    await duck.run(tablesSql);
    const candlesSql = await candlesOfParts(duck, { parts: 'live.in_parts', horizons: 'live.due' });
    await duck.run(
      `create or replace table live.closed as ${candlesSql} limit 0;
       create or replace view market.trades as from live.batch`,
    );
    return new LiveCandles(duck, {
      runs: await duck.prepare(runsSql),
      newParts: await duck.prepare(
        `insert into live.parts by name
         select * from (${newPartsSql}) where "interval" <> '1s' or open_us >= $seconds_from_us::bigint`,
      ),
      inParts: await duck.prepare(inPartsSql),
      late: await duck.prepare(lateSql),
      closed: await duck.prepare(closedSql.replace('$candles', () => candlesSql)),
      said: await duck.prepare(saidSql),
    });
  }

  /** How far bars of a minute and more are closed, microseconds; undefined of a market that nothing was taken of. */
  closedUs({ source, symbol }: MarketName): number | undefined {
    return this.#markets.get(`${source} ${symbol}`)?.tracks.minutes.closedUs;
  }

  /**
   * Takes the trades of a DuckDB relation with the columns of `market.trades`, each of them once: none of an id that was
   * taken, nor two of one id. Bars of a second are made from `secondsFromUs` on.
   */
  async take(trades: string, { secondsFromUs = 0 } = {}): Promise<void> {
    await this.#look(trades);
    await this.#count(await this.#runs(), secondsFromUs);
  }

  /**
   * Takes those trades of a relation whose ids were not taken yet; no id is there twice. How many these are; they stand in
   * the table `live.batch`. Made for batches of the log: they are copied, so that what is planned once serves all of them.
   */
  async takeNew(trades: string): Promise<number> {
    await this.#look('live.batch');
    await this.#duck.run('truncate live.batch');
    await this.#duck.run(`insert into live.batch by name from ${trades}`);
    let runs = await this.#runs();
    const known = this.#takenOf(runs);
    if (known.length > 0) {
      const held = known.map(
        ({ source, symbol, lo, hi }) => `(${literal(source)}, ${literal(symbol)}, ${lo}, ${hi})`,
      );
      await this.#duck.run(
        `delete from live.batch as b using (values ${held.join(', ')}) as held(source, symbol, lo, hi)
          where b.source = held.source and b.symbol = held.symbol and b.trade_id >= held.lo and b.trade_id < held.hi`,
      );
      runs = await this.#runs();
    }
    if (runs.length > 0) await this.#count(runs, 0);
    return runs.reduce((count, { lo, hi }) => count + hi - lo, 0);
  }

  /** Goes on with a market where another process left off, after its trades were taken. */
  resume(name: MarketName, points: Readonly<Record<Track, ResumePoint>>): void {
    const market = this.#marketOf(name, points.minutes.closedUs);
    for (const track of tracks) market.tracks[track].resume(points[track]);
  }

  /** Forgets markets, as another process goes on with them. */
  async forget(markets: readonly MarketName[]): Promise<void> {
    const known = markets.filter(({ source, symbol }) => this.#markets.delete(`${source} ${symbol}`));
    if (known.length > 0) await this.#duck.run(`delete from live.parts where ${isOneOf(known)}`);
  }

  /**
   * Closes bars of one track that are over by the ids that were taken, or by the watermark: microseconds up to which
   * nothing more is expected of a source. Answers whether there is anything in the table `live.closed`, in the columns
   * of the model `candles`: bars that are closed now, and of those closed before the ones that trades came to or that
   * were not proven then; some of these are as they were.
   */
  async close(track: Track, watermarks: ReadonlyMap<string, number>): Promise<boolean> {
    const horizons = [...this.#markets.values()].map(({ source, symbol, tracks: of }) => ({
      ...{ source, symbol, market: of[track] },
      horizonUs: of[track].horizon(watermarks.get(source)),
    }));
    const due = horizons.flatMap(({ market, horizonUs, source, symbol }) =>
      market.due(horizonUs).map((bars) => ({ ...bars, source, symbol, horizonUs })),
    );
    if (due.length > 0) await this.#say(due);
    for (const { market, horizonUs } of horizons) market.close(horizonUs);
    if (due.length > 0) await this.#noteSaid(track);
    return due.length > 0;
  }

  async #look(trades: string): Promise<void> {
    if (trades === this.#trades) return;
    await this.#duck.run(`create or replace view market.trades as from ${trades}`);
    this.#trades = trades;
  }

  /** Runs of ids among the trades looked at. */
  async #runs(): Promise<NewRun[]> {
    return (await this.#statements.runs.rows()).map((row) => ({
      ...{ source: String(row['source']), symbol: String(row['symbol']) },
      ...{ lo: Number(row['lo']), hi: Number(row['hi']) },
      ...{ lastUs: Number(row['last_us']), earliestUs: Number(row['earliest_us']) },
    }));
  }

  /** Ids that were taken, or are too old to be, near the ones that came. */
  #takenOf(runs: readonly NewRun[]): (MarketName & { lo: number; hi: number })[] {
    return runs.flatMap(({ source, symbol, lo, hi }) =>
      (this.#markets.get(`${source} ${symbol}`)?.tracks.minutes.runs ?? [])
        .filter((taken) => taken.lo < hi && lo < taken.hi)
        .map((taken) => ({ source, symbol, lo: taken.lo, hi: taken.hi })),
    );
  }

  /** Counts the trades looked at into their bars. */
  async #count(runs: readonly NewRun[], secondsFromUs: number): Promise<void> {
    this.#uncompacted += await this.#statements.newParts.run({ seconds_from_us: BigInt(secondsFromUs) });
    for (const run of runs) {
      const market = this.#marketOf(run, run.earliestUs);
      for (const track of tracks) market.tracks[track].add(run, run.earliestUs);
    }
    if (this.#uncompacted >= this.#compactAfter) await this.#compact();
  }

  async #say(due: readonly (DueBars & MarketName & { horizonUs: number })[]): Promise<void> {
    const rows = due.map(
      ({ source, symbol, interval, fromUs, toUs, floorUs, isLate, horizonUs }) =>
        `(${literal(source)}, ${literal(symbol)}, '${interval}', ${fromUs}, ${toUs}, ${floorUs}, ${isLate}, ${horizonUs})`,
    );
    await this.#duck.run('truncate live.due; truncate live.in_parts; truncate live.closed');
    await this.#duck.run(`insert into live.due values ${rows.join(', ')}`);
    await this.#statements.inParts.run();
    if (due.some(({ isLate }) => isLate)) await this.#statements.late.run();
    await this.#statements.closed.run();
  }

  /** Of each market and length the newest bar with trades that was said. */
  async #noteSaid(track: Track): Promise<void> {
    for (const row of await this.#statements.said.rows()) {
      const [source, symbol] = [String(row['source']), String(row['symbol'])];
      const market = this.#markets.get(`${source} ${symbol}`)?.tracks[track];
      market?.said(String(row['interval']), Number(row['open_us']), Number(row['last_trade_id']));
    }
  }

  #marketOf({ source, symbol }: MarketName, firstUs: number): Market {
    const key = `${source} ${symbol}`;
    const known = this.#markets.get(key);
    if (known !== undefined) return known;
    // Before its first trade nothing of a market is closed: of no length, so from the beginning of a day on.
    const dayUs = 1_440 * minuteUs;
    const fromUs = Math.floor(firstUs / dayUs) * dayUs;
    const trackOf = (track: Track): LiveMarket => new LiveMarket(lengths[track], fromUs);
    const market = { source, symbol, tracks: { seconds: trackOf('seconds'), minutes: trackOf('minutes') } };
    this.#markets.set(key, market);
    return market;
  }

  async #compact(): Promise<void> {
    const kept = [...this.#markets.values()].flatMap(({ source, symbol, tracks: of }) =>
      tracks.flatMap((track) =>
        lengths[track].map(
          ({ interval, keepUs }) =>
            `(${literal(source)}, ${literal(symbol)}, '${interval}', ${of[track].closedUs - keepUs})`,
        ),
      ),
    );
    await this.#duck.together(async () => {
      await this.#duck.run(
        `truncate live.kept;
         insert into live.kept values ${kept.join(', ')};
         truncate live.in_parts;
         insert into live.in_parts from live.parts`,
      );
      await this.#duck.run(compactSql.replace('$merged_parts', () => mergedPartsSql));
      await this.#duck.run('truncate live.in_parts');
    });
    this.#uncompacted = 0;
    const bases = await this.#duck.rows(
      'select source, symbol, min(first_trade_id) as id, count(*) as parts from live.parts group by all',
    );
    this.#compactAfter = bases.reduce((sum, { parts }) => sum + Number(parts), compactAfterMin);
    for (const { source, symbol, id } of bases) {
      const market = this.#markets.get(`${String(source)} ${String(symbol)}`);
      for (const track of tracks) market?.tracks[track].forgetBelow(Number(id));
    }
  }
}

/** SQL that a row with the columns source and symbol is of one of the markets. */
export function isOneOf(markets: readonly MarketName[]): string {
  const names = markets.map(({ source, symbol }) => `(${literal(source)}, ${literal(symbol)})`);
  return `(source, symbol) in (${names.join(', ')})`;
}
