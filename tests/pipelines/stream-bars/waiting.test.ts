import { expect, test } from 'vitest';
import { encodeTrade } from '#core/market/trade.ts';
import type { LogBatch } from '#core/streams/event-log.ts';
import { WaitingBatches } from '#pipelines/stream-bars/waiting.ts';

const minuteUs = 60_000_000;

function batch(partition: number, ...timesUs: number[]): LogBatch {
  const lines = timesUs.map((timestampUs, tradeId) =>
    encodeTrade(
      { source: 'venue', symbol: 'A', tradeId, price: '1', volume: '1', side: 'buy', timestampUs },
      'stream',
      '0',
    ),
  );
  return {
    ...{ topic: 'trades', partition, incarnation: 'a', baseOffset: 0, count: lines.length },
    lines: Buffer.from(lines.map((line) => `${line}\n`).join('')),
  };
}

/** Of the market A, bars that end by the tenth minute are closed. */
function waiting(): WaitingBatches {
  return new WaitingBatches({ closedUs: ({ symbol }) => (symbol === 'A' ? 10 * minuteUs + 5 : undefined) });
}

test('trades of open bars wait for a moment, and come together in the order of the log', () => {
  const batches = waiting();
  const [first, second] = [batch(0, 10 * minuteUs + 7), batch(1, 11 * minuteUs - 1)];
  batches.add([first], 1_000);
  batches.add([second], 1_100);
  expect(batches.isUrgent).toBe(false);
  expect(batches.take(1_149)).toEqual([]);
  expect(batches.take(1_150)).toEqual([first, second]);
  expect(batches.take(2_000)).toEqual([]);
});

test('a trade of the next minute does not wait', () => {
  const batches = waiting();
  batches.add([batch(0, 10 * minuteUs + 7, 11 * minuteUs)], 1_000);
  expect(batches.isUrgent).toBe(true);
  expect(batches.take(1_000)).toHaveLength(1);
  expect(batches.isUrgent).toBe(false);
});

test('many records do not wait', () => {
  const batches = waiting();
  batches.add([batch(0, ...Array.from({ length: 2_001 }, () => 10 * minuteUs))], 1_000);
  expect(batches.take(1_000)).toHaveLength(1);
});

test('what is no trade waits like others; what another process takes is forgotten', () => {
  const batches = waiting();
  const lines = Buffer.from('not json\n\n{"source":1}\n');
  batches.add([{ ...batch(3), count: 3, lines }, batch(0, 10 * minuteUs)], 1_000);
  expect(batches.isUrgent).toBe(false);
  batches.drop(3);
  expect(batches.take(2_000).map(({ partition }) => partition)).toEqual([0]);
});
