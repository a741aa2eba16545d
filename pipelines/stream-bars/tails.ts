import type { DuckDBPreparedStatement } from '@duckdb/node-api';
import { crossoversModel } from '#core/features/crossovers.ts';
import { indicatorsModel, newestIndicators, tailBars } from '#core/features/indicators.ts';
import { isOneOf, type MarketName } from '#core/features/live-candles.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import { intervals } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const tablesSql = sqlFile(import.meta.url, 'sql/tail-tables.sql');
const updateSql = sqlFile(import.meta.url, 'sql/tail-update.sql');
const pruneSql = sqlFile(import.meta.url, 'sql/tail-prune.sql');
const recordsSql = sqlFile(import.meta.url, 'sql/indicator-records.sql');
const rowsSql = sqlFile(import.meta.url, 'sql/tail-rows.sql');
const crossingsSql = sqlFile(import.meta.url, 'sql/crossings.sql');
const sidesSql = sqlFile(import.meta.url, 'sql/sides.sql');

/** A market's bars of one length, of which one or more were said. */
export interface SaidBars {
  source: string;
  symbol: string;
  interval: string;
  /** The earliest of them. */
  fromUs: number;
}

export interface Evaluation {
  /** Of each market and interval the newest row, as JSON without the revision. */
  indicators: { source: string; symbol: string; interval: string; openUs: number; record: string }[];
  /** Crossings at the bars that were said, as JSON without the revision. */
  signals: { source: string; symbol: string; interval: string; openUs: number; record: string }[];
}

const pruneEvery = 200;

/**
 * The newest bars of every market, kept in DuckDB's schema `tail`, and what the SQL models say of them: the indicators of
 * the newest bar, and where moving averages cross.
 */
export class Tails {
  readonly #duck: DuckDb;
  readonly #newest: DuckDBPreparedStatement;
  readonly #historySql: string;
  readonly #crossingsSql: string;
  readonly #known = new Set<string>();
  #updates = 0;

  private constructor(
    duck: DuckDb,
    newest: DuckDBPreparedStatement,
    historySql: string,
    crossingsSql: string,
  ) {
    this.#duck = duck;
    this.#newest = newest;
    this.#historySql = historySql;
    this.#crossingsSql = crossingsSql;
  }

  static async open(duck: DuckDb): Promise<Tails> {
    await duck.run(tablesSql);
    const bars = '(from tail.bars semi join tail.wanted using (source, symbol, "interval"))';
    const historySql = await indicatorsModel(duck, { bars });
    const newestSql = await newestIndicators(duck, { bars });
    await duck.run(`create or replace table tail.newest as ${newestSql} limit 0`);
    await duck.run('create or replace table tail.rows as from tail.newest');
    const crossovers = await crossoversModel(duck, { indicators: 'tail.rows' });
    const newest = await duck.connection.prepare(`insert into tail.newest by name ${newestSql}`);
    return new Tails(
      duck,
      newest,
      historySql,
      crossingsSql.replace('$crossovers', () => crossovers),
    );
  }

  /** Takes bars of a relation with the columns of the model `int_bars` in the place of those it has of the same time. */
  async load(bars: string): Promise<void> {
    await this.#duck.run(`truncate tail.said; insert into tail.said by name select * from ${bars}`);
    await this.#duck.run(updateSql);
  }

  /** Forgets markets, as another process goes on with them. */
  async forget(markets: readonly MarketName[]): Promise<void> {
    if (markets.length === 0) return;
    for (const table of ['bars', 'rows']) {
      await this.#duck.run(`delete from tail.${table} where ${isOneOf(markets)}`);
    }
    for (const { source, symbol } of markets) {
      for (const interval of intervals) this.#known.delete(keyOf({ source, symbol, interval }));
    }
  }

  /** Takes the bars in `live.closed`, and evaluates the models for those that are named. */
  async evaluate(said: readonly SaidBars[]): Promise<Evaluation> {
    await this.load(
      `(select source, symbol, "interval", epoch_us(close_time) + 1 - epoch_us(open_time) as length_us,
               epoch_us(open_time) as open_us, open, high, low, close, volume, quote_volume, trade_count, is_filled
          from live.closed)`,
    );
    this.#updates += 1;
    if (this.#updates % pruneEvery === 0) await this.#duck.run(pruneSql.replace('$bars', String(tailBars)));
    if (said.length === 0) return { indicators: [], signals: [] };
    await this.#duck.run('truncate tail.newest');
    await this.#want(said);
    await this.#newest.run();
    const indicators = await this.#records(recordsSql);
    const newestUs = new Map(indicators.map((row) => [keyOf(row), row.openUs]));
    // What crosses at one new bar follows from it and the side before; else all the tail is gone through.
    const isPlain = (bars: SaidBars): boolean =>
      this.#known.has(keyOf(bars)) && bars.fromUs === newestUs.get(keyOf(bars));
    const others = said.filter((bars) => !isPlain(bars));
    await this.#duck.run(rowsSql);
    if (others.length > 0) {
      await this.#want(others);
      await this.#duck.run(
        `delete from tail.rows using tail.wanted w
          where tail.rows.source = w.source and tail.rows.symbol = w.symbol and tail.rows."interval" = w."interval";
         insert into tail.rows by name ${this.#historySql}`,
      );
      for (const bars of others) this.#known.add(keyOf(bars));
    }
    await this.#want(said);
    return { indicators, signals: await this.#records(this.#crossingsSql) };
  }

  /** Says that what was evaluated last is kept: crossings are looked for from there on. Before, it can be evaluated again. */
  async settle(): Promise<void> {
    await this.#duck.run(sidesSql);
  }

  async #want(said: readonly SaidBars[]): Promise<void> {
    const rows = said.map(
      ({ source, symbol, interval, fromUs }) =>
        `(${literal(source)}, ${literal(symbol)}, ${literal(interval)}, ${fromUs})`,
    );
    await this.#duck.run(`truncate tail.wanted; insert into tail.wanted values ${rows.join(', ')}`);
  }

  async #records(sql: string): Promise<Evaluation['indicators']> {
    return (await this.#duck.rows(sql)).map((row) => ({
      ...{ source: String(row['source']), symbol: String(row['symbol']), interval: String(row['interval']) },
      ...{ openUs: Number(row['open_us']), record: String(row['record']) },
    }));
  }
}

function keyOf({ source, symbol, interval }: Omit<SaidBars, 'fromUs'>): string {
  return `${source} ${symbol} ${interval}`;
}
