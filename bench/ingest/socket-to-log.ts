import { setTimeout as sleep } from 'node:timers/promises';
import type { Benchmark } from '#bench/benchmark.ts';
import { tradeMessages } from '#bench/support/messages.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { startVenue } from '#bench/support/venue.ts';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import { tradesTopic } from '#core/market/topics.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { startCapture } from '#pipelines/ingest-trades/capture.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'BNBUSDT'];
const messagesPerRound = 500_000;
const pollMs = 5;
const roundMsMax = 120_000;

/**
 * Messages on one socket → durable in the embedded log, in one Node process, the venue in another; `JSON.parse` alone
 * of the same messages.
 */
export async function socketToLog(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { log, logger, metrics } = runtime;
  const venue = await startVenue(symbols);
  const exchange = createBinanceExchange({
    ...{ source: 'binance', restUrl: venue.url, wsUrl: venue.wsUrl, logger, metrics },
  });
  const capture = await startCapture({
    ...{ exchange, symbols, log, database: runtime.connection.database, logger, metrics },
    ...{ repairHoles: false, venueTimeMs: 0 },
  });
  await venue.subscribed;
  let nextId = 0;

  return {
    lines: [{ name: 'ingest.socket_to_log', unit: 'trades/s', peerName: 'JSON.parse alone' }],
    async round() {
      const firstId = nextId;
      nextId += messagesPerRound / symbols.length;
      const before = await endOffsets(log);
      const send = await venue.prepare(firstId, messagesPerRound);

      const startedMs = performance.now();
      const sent = send();
      await untilLogHolds(log, total(before) + messagesPerRound, startedMs + roundMsMax);
      const ours = (messagesPerRound / (performance.now() - startedMs)) * 1_000;
      await sent;
      await expectLogged(log, before, firstId);

      return [{ ours, peer: parseRate(tradeMessages(symbols, firstId, messagesPerRound)) }];
    },
    async close() {
      await capture.close();
      await exchange.close();
      await venue.close();
      await runtime.close();
    },
  };
}

async function endOffsets(log: EventLog): Promise<number[]> {
  return (await log.describe(tradesTopic)).partitions.map((partition) => partition.endOffset);
}

function total(offsets: readonly number[]): number {
  return offsets.reduce((sum, offset) => sum + offset, 0);
}

async function untilLogHolds(log: EventLog, records: number, deadlineMs: number): Promise<void> {
  while (total(await endOffsets(log)) < records) {
    if (performance.now() > deadlineMs) throw new Error('not every message came to the log in time');
    await sleep(pollMs);
  }
}

/** Throws unless the log holds, from the offsets on, each market's ids of the round in their order, once. */
async function expectLogged(log: EventLog, from: readonly number[], firstId: number): Promise<void> {
  const next = new Map(symbols.map((symbol) => [symbol, firstId]));
  const reading = new AbortController();
  const start = from.map((offset, partition) => ({ partition, offset }));
  let records = 0;
  for await (const batch of log.read({ topic: tradesTopic, from: start, signal: reading.signal })) {
    for (const line of batch.lines.toString().trimEnd().split('\n')) {
      const { symbol, trade_id: id } = JSON.parse(line) as { symbol: string; trade_id: number };
      if (id !== next.get(symbol)) throw new Error(`${symbol} ${id} came where ${next.get(symbol)} was due`);
      next.set(symbol, id + 1);
    }
    records += batch.count;
    if (records === messagesPerRound) reading.abort();
  }
}

function parseRate(messages: readonly string[]): number {
  const startedMs = performance.now();
  let objects = 0;
  for (const message of messages) if (typeof JSON.parse(message) === 'object') objects++;
  const rate = (objects / (performance.now() - startedMs)) * 1_000;
  if (objects !== messages.length) throw new Error('a message is no object');
  return rate;
}
