import { crossoversModel } from '#core/features/crossovers.ts';
import { indicatorsModel, newestIndicators, tailBars } from '#core/features/indicators.ts';
import { isOneOf, type MarketName } from '#core/features/live-candles.ts';
import { literal, type DuckDb, type Statement } from '#core/lake/duckdb.ts';
import { intervals } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';

const tablesSql = sqlFile(import.meta.url, 'sql/tail-tables.sql');
const pruneSql = sqlFile(import.meta.url, 'sql/tail-prune.sql');
const recordsSql = sqlFile(import.meta.url, 'sql/indicator-records.sql');
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
/** Bars that were closed, as the models read them. */
const closedSql = `
  select source, symbol, "interval", epoch_us(close_time) + 1 - epoch_us(open_time) as length_us,
         epoch_us(open_time) as open_us, open, high, low, close, volume, quote_volume, trade_count, is_filled
    from live.closed`;

/** Run at every close, so that they are planned once. */
interface Statements {
  closed: Statement;
  replaced: Statement;
  said: Statement;
  newest: Statement;
  records: Statement;
  replacedRows: Statement;
  newestRows: Statement;
  crossings: Statement;
  sides: Statement;
}

/**
 * The newest bars of every market, kept in DuckDB's schema `tail`, and what the SQL models say of them: the indicators of
 * the newest bar, and where moving averages cross.
 */
export class Tails {
  readonly #duck: DuckDb;
  readonly #statements: Statements;
  readonly #historySql: string;
  readonly #known = new Set<string>();
  #updates = 0;

  private constructor(duck: DuckDb, statements: Statements, historySql: string) {
    this.#duck = duck;
    this.#statements = statements;
    this.#historySql = historySql;
  }

  /** Makes its tables, in the schema `tail` of a DuckDB that has {@link LiveCandles}. */
  static async open(duck: DuckDb): Promise<Tails> {
    await duck.run(tablesSql);
    const bars = '(from tail.bars semi join tail.wanted using (source, symbol, "interval"))';
    const historySql = await indicatorsModel(duck, { bars });
    const newestSql = await newestIndicators(duck, { bars });
    await duck.run(
      `create or replace table tail.newest as ${newestSql} limit 0;
       create or replace table tail.rows as from tail.newest;
       create or replace table tail.sides as from tail.newest`,
    );
    const crossovers = await crossoversModel(duck, { indicators: 'tail.rows' });
    return new Tails(
      duck,
      {
        closed: await duck.prepare(`insert into tail.said by name ${closedSql}`),
        replaced: await duck.prepare(replacedSql('bars', 'said', 'open_us')),
        said: await duck.prepare('insert into tail.bars from tail.said'),
        newest: await duck.prepare(`insert into tail.newest by name ${newestSql}`),
        records: await duck.prepare(recordsSql),
        replacedRows: await duck.prepare(replacedSql('rows', 'newest', 'open_time')),
        newestRows: await duck.prepare('insert into tail.rows by name from tail.newest'),
        crossings: await duck.prepare(crossingsSql.replace('$crossovers', () => crossovers)),
        sides: await duck.prepare(sidesSql),
      },
      historySql,
    );
  }

  /** Takes bars of a relation with the columns of the model `int_bars` in the place of those it has of the same time. */
  async load(bars: string): Promise<void> {
    await this.#duck.run(`truncate tail.said; insert into tail.said by name select * from ${bars}`);
    await this.#takeSaid();
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
    await this.#duck.run('truncate tail.said');
    await this.#statements.closed.run();
    await this.#takeSaid();
    this.#updates += 1;
    if (this.#updates % pruneEvery === 0) await this.#duck.run(pruneSql.replace('$bars', String(tailBars)));
    if (said.length === 0) return { indicators: [], signals: [] };
    await this.#duck.run('truncate tail.newest');
    await this.#want(said);
    await this.#statements.newest.run();
    const indicators = await recordsOf(this.#statements.records);
    const newestUs = new Map(indicators.map((row) => [keyOf(row), row.openUs]));
    // What crosses at one new bar follows from it and the side before; else all the tail is gone through.
    const isPlain = (bars: SaidBars): boolean =>
      this.#known.has(keyOf(bars)) && bars.fromUs === newestUs.get(keyOf(bars));
    const others = said.filter((bars) => !isPlain(bars));
    await this.#statements.replacedRows.run();
    await this.#statements.newestRows.run();
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
    return { indicators, signals: await recordsOf(this.#statements.crossings) };
  }

  /** Says that what was evaluated last is kept: crossings are looked for from there on. Before, it can be evaluated again. */
  async settle(): Promise<void> {
    await this.#duck.run('truncate tail.sides');
    await this.#statements.sides.run();
    await this.#duck.run('truncate tail.rows; insert into tail.rows from tail.sides');
  }

  async #takeSaid(): Promise<void> {
    await this.#statements.replaced.run();
    await this.#statements.said.run();
  }

  async #want(said: readonly SaidBars[]): Promise<void> {
    const rows = said.map(
      ({ source, symbol, interval, fromUs }) =>
        `(${literal(source)}, ${literal(symbol)}, ${literal(interval)}, ${fromUs})`,
    );
    await this.#duck.run(`truncate tail.wanted; insert into tail.wanted values ${rows.join(', ')}`);
  }
}

/** Deletes rows of a table of tails in whose place others come. */
function replacedSql(table: string, by: string, time: string): string {
  return `delete from tail.${table} using tail.${by} n
           where tail.${table}.source = n.source and tail.${table}.symbol = n.symbol
             and tail.${table}."interval" = n."interval" and tail.${table}.${time} = n.${time}`;
}

async function recordsOf(statement: Statement): Promise<Evaluation['indicators']> {
  return (await statement.rows()).map((row) => ({
    ...{ source: String(row['source']), symbol: String(row['symbol']), interval: String(row['interval']) },
    ...{ openUs: Number(row['open_us']), record: String(row['record']) },
  }));
}

function keyOf({ source, symbol, interval }: Omit<SaidBars, 'fromUs'>): string {
  return `${source} ${symbol} ${interval}`;
}
