import type { ExchangeKline } from '#core/exchanges/exchange.ts';
import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { latestRevisions, parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { candles, klines, quoted, type LakeTable } from '#core/lake/tables.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Channel, Difference } from './trust.ts';

const differencesSql = sqlFile(import.meta.url, 'sql/differences.sql');

/** Differences of one comparison that are told; there may be more. */
export const differencesMax = 10_000;

/** Bars of some markets with their open time in [fromUs, toUs). */
export interface BarSpan {
  source?: string | undefined;
  symbols?: readonly string[] | undefined;
  interval: string;
  fromUs: number;
  toUs: number;
}

/** Where candles and the exchange's bars in the lake differ, of all bars that both have. */
export async function compareCandles(duck: DuckDb, lake: Lake, span: BarSpan): Promise<Difference[]> {
  await duck.run(`create or replace temp view checked as ${await barsOf(lake, candles, 'candles', span)}`);
  await duck.run(`create or replace temp view against as ${await barsOf(lake, klines, 'klines', span)}`);
  return await differences(duck, false);
}

/** What the exchange's REST said of a span of one market. */
export interface RestWindow extends BarSpan {
  source: string;
  symbol: string;
  bars: readonly ExchangeKline[];
}

/**
 * Where what is held and what REST said differ: of the exchange's bars, and of candles where there is none. A bar that is
 * held and that REST did not give is a difference too; one that is not held is a gap.
 */
export async function compareWithRest(duck: DuckDb, lake: Lake, window: RestWindow): Promise<Difference[]> {
  const span = { ...window, symbols: [window.symbol] };
  await duck.run(`create or replace temp view held_bars as ${await barsOf(lake, klines, 'klines', span)}`);
  await duck.run(`create or replace temp view made_bars as ${await barsOf(lake, candles, 'candles', span)}`);
  await duck.run(
    `create or replace temp view checked as
       from held_bars union all by name
       from (from made_bars anti join held_bars using (source, symbol, "interval", open_time))`,
  );
  await duck.run(`create or replace temp table against as ${restBars(window)}`);
  return await differences(duck, true);
}

const comparedColumns = klines.columns.map(({ name }) => quoted(name)).join(', ');

/** SQL of a table's bars within a span, each with its channel and whether it is complete. */
async function barsOf(lake: Lake, table: LakeTable, channel: Channel, span: BarSpan): Promise<string> {
  const { source, symbols, interval, fromUs, toUs } = span;
  const { files } = await currentFiles(lake, table, {
    filter: [
      { column: 'interval', op: '=', value: interval },
      { column: 'open_time', op: '>=', value: fromUs },
      { column: 'open_time', op: '<', value: toUs },
      ...(source === undefined ? [] : [{ column: 'source', op: '=' as const, value: source }]),
      ...(symbols === undefined ? [] : [{ column: 'symbol', op: 'in' as const, value: symbols }]),
    ],
  });
  const isComplete = channel === 'candles' ? 'is_complete' : 'true';
  const conditions = [
    `"interval" = ${literal(interval)}`,
    `open_time >= make_timestamptz(${fromUs}) and open_time < make_timestamptz(${toUs})`,
    ...(source === undefined ? [] : [`source = ${literal(source)}`]),
    ...(symbols === undefined ? [] : [`symbol in (${symbols.map(literal).join(', ')})`]),
  ];
  return `select ${comparedColumns}, ${literal(channel)} as channel, ${isComplete} as is_complete
            from (${latestRevisions(table, parquetRelation(table, files))}) where ${conditions.join(' and ')}`;
}

function restBars({ source, symbol, interval, bars }: RestWindow): string {
  const decimal = (text: string) => `${literal(text)}::decimal(38, 18)`;
  const rows = bars.map((bar) => {
    const prices = [bar.open, bar.high, bar.low, bar.close, bar.volume].map(decimal);
    const rest = [bar.quoteVolume, bar.takerBuyVolume, bar.takerBuyQuoteVolume].map(decimal);
    return `(${[bar.openTimeUs, bar.closeTimeUs, bar.tradeCount, ...prices, ...rest].join(', ')})`;
  });
  const none = `(0, 0, 0${', 0'.repeat(8)})`;
  return `select ${literal(source)} as source, ${literal(symbol)} as symbol, ${literal(interval)} as "interval",
                 make_timestamptz(open_us) as open_time, make_timestamptz(close_us) as close_time, * exclude (open_us, close_us),
                 false as is_filled, 'rest' as channel
            from (values ${[none, ...rows].join(', ')})
                 t(open_us, close_us, trade_count, open, high, low, close, volume, quote_volume, taker_buy_volume,
                   taker_buy_quote_volume)
           where open_us > 0`;
}

async function differences(duck: DuckDb, isRest: boolean): Promise<Difference[]> {
  const sql = differencesSql.replace('$expected', String(isRest)).replace('$limit', String(differencesMax));
  return (await duck.rows(sql)).map((row) => ({
    source: String(row['source']),
    symbol: String(row['symbol']),
    interval: String(row['interval']),
    openTime: String(row['open_time']),
    field: String(row['field']),
    checked: { channel: row['channel'] === 'klines' ? 'klines' : 'candles', value: valueOf(row['checked']) },
    against: {
      channel: row['against_channel'] === 'rest' ? 'rest' : 'klines',
      value: valueOf(row['against']),
    },
    isComplete: row['is_complete'] === true,
    isFilled: row['is_kline_filled'] === true,
    isShifted: row['is_shifted'] === true,
  }));
}

/** Without the zeros that say nothing. */
function valueOf(value: unknown): string | null {
  if (typeof value !== 'string') return null;
  return value.includes('.') ? value.replace(/\.?0+$/, '') : value;
}
