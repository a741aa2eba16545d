import { randomUUID } from 'node:crypto';
import { intervalUs } from '#core/market/interval.ts';
import {
  candlesticksTopic,
  indicatorsTopic,
  signalsTopic,
  tradeKey,
  type CandlestickRecord,
  type IndicatorsRecord,
  type SignalRecord,
} from '#core/market/topics.ts';
import type { EventLog } from '#core/streams/event-log.ts';

/** What tests append to the topics that the role `stream` writes. */

const startUs = Date.parse('2026-03-01T00:00:00Z') * 1_000;

interface OfMarket {
  source: string;
  symbol: string;
  interval: '1m' | '5m';
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
