import { randomUUID } from 'node:crypto';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import {
  candlesticksTopic,
  indicatorsTopic,
  signalsTopic,
  tradeKey,
  type CandlestickRecord,
  type IndicatorsRecord,
  type SignalRecord,
} from '#core/market/topics.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import type { EventLog } from '#core/streams/event-log.ts';

/** What tests put into the topics and tables that the role `stream` writes. */

const startUs = Date.parse('2026-03-01T00:00:00Z') * 1_000;

interface OfMarket {
  source: string;
  symbol: string;
  interval: Interval;
}

/** Bar `index` of a market, its figures a function of that and its revision. */
export function candlestick(market: OfMarket, index: number, revision = 1): CandlestickRecord {
  const lengthUs = intervalUs(market.interval);
  return {
    ...market,
    open_us: startUs + index * lengthUs,
    close_us: startUs + (index + 1) * lengthUs - 1,
    ...{ open: '100.5', high: `${110 + revision}.25`, low: '90', close: `${100 + (index % 9)}.125` },
    ...{ volume: '3.50000000', quote_volume: '350.1', trade_count: 7 },
    ...{ taker_buy_volume: '1.5', taker_buy_quote_volume: '150' },
    ...{ first_trade_id: index * 7, last_trade_id: index * 7 + 6 },
    ...{ is_filled: false, is_complete: true, revision },
  };
}

export function indicators(market: OfMarket, index: number, revision = 1): IndicatorsRecord {
  return {
    ...market,
    open_us: startUs + index * intervalUs(market.interval),
    close: 100 + (index % 9) + 0.125,
    ...{ sma_20: 101.5 + revision, sma_50: 102.5, sma_200: null },
    ...{ bb_upper: 110.5, bb_lower: 90.5, bb_percent_b: 0.5 },
    ...{ macd: 0.25, macd_signal: 0.125, macd_histogram: 0.125 },
    ...{ volatility_20: 0.01, rsi_14: 55.5, below_all_smas: null },
    ...{ is_filled: false, revision },
  };
}

export function signal(market: OfMarket, index: number, side: 'BUY' | 'SELL' = 'BUY'): SignalRecord {
  return {
    ...{ signal_id: randomUUID(), strategy: 'ma_crossover', version: '1', ...market },
    open_us: startUs + index * intervalUs(market.interval),
    ...{ signal: side, price: '100.125', reason: 'sma_50 crossed sma_200', sma_50: 102.5, sma_200: 101.5 },
    created_us: startUs + (index + 1) * intervalUs(market.interval) + 5_000,
  };
}

export async function ensureLiveTopics(log: EventLog): Promise<void> {
  for (const topic of [candlesticksTopic, indicatorsTopic, signalsTopic]) {
    await log.ensureTopic(topic, { partitions: 4, retentionMs: 3_600_000 });
  }
}

/** Appends records of one topic. */
export async function appendRecords(
  log: EventLog,
  topic: string,
  records: readonly (CandlestickRecord | IndicatorsRecord | SignalRecord)[],
): Promise<void> {
  await log.append(
    topic,
    records.map((record) => ({
      key: tradeKey(record.source, record.symbol),
      value: JSON.stringify(record),
    })),
  );
}

export async function putLiveCandles(
  database: Transaction,
  records: readonly CandlestickRecord[],
): Promise<void> {
  const bars = records.map(({ revision, ...bar }) => ({ bar, revision }));
  await database.query(
    `insert into stream.candles (source, symbol, "interval", open_us, revision, bar, is_complete, is_filled)
     select bar ->> 'source', bar ->> 'symbol', bar ->> 'interval', (bar ->> 'open_us')::bigint, revision, bar,
            (bar ->> 'is_complete')::boolean, (bar ->> 'is_filled')::boolean
       from jsonb_to_recordset($1) as r(bar jsonb, revision integer)`,
    [JSON.stringify(bars)],
  );
}

export async function putLiveIndicators(database: Transaction, record: IndicatorsRecord): Promise<void> {
  const { source, symbol, interval, open_us: openUs, revision } = record;
  await database.query(
    `insert into stream.indicators (source, symbol, "interval", open_us, revision, record)
     values ($1, $2, $3, $4, $5, $6)`,
    [source, symbol, interval, openUs, revision, JSON.stringify(record)],
  );
}

export async function putSignals(database: Transaction, records: readonly SignalRecord[]): Promise<void> {
  await database.query(
    `insert into stream.signals
       (signal_id, strategy, version, source, symbol, "interval", open_time, signal, price, reason, sma_50, sma_200, revision,
        created_at)
     select signal_id, strategy, version, source, symbol, "interval", to_timestamp(open_us / 1000000.0), signal, price,
            reason, sma_50, sma_200, 1, to_timestamp(created_us / 1000000.0)
       from jsonb_to_recordset($1) as r(signal_id uuid, strategy text, version text, source text, symbol text,
            "interval" text, open_us bigint, signal text, price numeric, reason text, sma_50 double precision,
            sma_200 double precision, created_us bigint)`,
    [JSON.stringify(records)],
  );
}
