import { setTimeout as sleep } from 'node:timers/promises';
import { openFeeds, signalFeed } from '#api/client/index.ts';
import { quantile, type Benchmark } from '#bench/benchmark.ts';
import { startRole } from '#bench/support/role.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { registerSymbols } from '#pipelines/ingest-trades/symbols.ts';

const source = 'bench';
const symbols = Array.from({ length: 10 }, (_, i) => `COIN${i}USDT`);
/** A market that is always traded, as some are. */
const busy = 'BUSYUSDT';
const minuteUs = 60_000_000;
const startUs = Date.UTC(2024, 2, 5) * 1_000;
/** So many minutes of history that all averages are there. */
const historyMinutes = 260;
const closesPerRound = 30;
const closeEveryMs = 1_000;
const busyEveryMs = 20;
const targetMs = 100;
const signalsMsMax = 60_000;

/**
 * Milliseconds from the trade that closes a bar being handed to the log to the signal of the bar reaching a client's
 * socket, the stream and the API as roles of their own; ten markets close at once. Prices are noise, so that averages cross
 * often. Beside the target.
 */
export async function signalLatency(): Promise<Benchmark> {
  const runtime = await openBenchRuntime();
  const { database } = runtime.connection;
  await registerSymbols(
    database,
    source,
    [...symbols, busy].map((symbol) => ({
      ...{ symbol, base: symbol.slice(0, 4), quote: 'USDT', status: 'TRADING' },
      ...{ tickSize: '0.01', stepSize: '0.01', minNotional: '5' },
    })),
  );
  const stream = await startRole(runtime, 'stream');
  const api = await startRole(runtime, 'api', { TICKLAKE_API_PORT: '0' });
  const closedMs = new Map<string, number>();
  const latenciesMs: number[] = [];
  const feeds = openFeeds({
    url: `${(api.details['url'] ?? '').replace('http', 'ws')}/v1/stream`,
    feeds: [
      signalFeed({
        source,
        interval: '1m',
        onSignals(signals) {
          const now = performance.now();
          for (const { symbol, openTime } of signals) {
            const closed = closedMs.get(`${symbol} ${Date.parse(openTime) * 1_000}`);
            if (closed !== undefined) latenciesMs.push(now - closed);
          }
        },
      }),
    ],
  });
  let minute = 0;
  let busyId = 0;
  const append = (records: { symbol: string; tradeId: number; timestampUs: number; price: string }[]) =>
    runtime.log.append(
      tradesTopic,
      records.map((trade) => ({
        key: tradeKey(source, trade.symbol),
        value: encodeTrade({ ...trade, source, volume: '1', side: 'buy' }, 'stream', '0'),
      })),
    );
  const tradesOf = (of: number) =>
    symbols.map((symbol) => ({
      ...{ symbol, tradeId: of, timestampUs: startUs + of * minuteUs },
      price: (100 + Math.random()).toFixed(2),
    }));
  await append(Array.from({ length: historyMinutes }, (_, of) => tradesOf(of)).flat());
  minute = historyMinutes;

  return {
    lines: ['signal.latency_p50', 'signal.latency'].map((name) => ({
      ...{ name, unit: name === 'signal.latency' ? 'ms, p99' : 'ms, p50', peerName: 'target' },
    })),
    async round() {
      latenciesMs.length = 0;
      const stop = new AbortController();
      const trading = keepTrading(stop.signal);
      try {
        for (let close = 0; close < closesPerRound; close++, minute++) {
          const openUs = startUs + (minute - 1) * minuteUs;
          for (const symbol of symbols) closedMs.set(`${symbol} ${openUs}`, performance.now());
          await append(tradesOf(minute));
          await sleep(closeEveryMs);
        }
        await allSaid();
      } finally {
        stop.abort();
        await trading;
      }
      return [0.5, 0.99].map((q) => ({ ours: quantile(latenciesMs, q), peer: targetMs }));
    },
    async close() {
      feeds.close();
      await api.stop({ drain: false, timeoutMs: 10_000 });
      await stream.stop({ drain: false, timeoutMs: 10_000 });
      await runtime.close();
    },
  };

  async function keepTrading(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      busyId += 1;
      await append([{ symbol: busy, tradeId: busyId, timestampUs: startUs + minute * minuteUs, price: '1' }]);
      await sleep(busyEveryMs);
    }
  }

  /** Waits until all bars of the round were said, and all signals of them have come; throws where more came. */
  async function allSaid(): Promise<void> {
    const deadlineMs = performance.now() + signalsMsMax;
    for (;;) {
      const { rows } = await database.query<{ said: number; signals: number }>(
        `select (select count(*) from stream.candles where source = $1 and symbol <> '${busy}' and "interval" = '1m' and open_us = $2) as said,
                (select count(*) from stream.signals where source = $1 and "interval" = '1m'
                  and open_time >= to_timestamp($3::bigint / 1e6)) as signals`,
        [source, startUs + (minute - 2) * minuteUs, startUs + (minute - closesPerRound - 1) * minuteUs],
      );
      const [row] = rows;
      if (row?.said === symbols.length && latenciesMs.length === row.signals) return;
      if (performance.now() > deadlineMs)
        throw new Error(`bars or signals did not come: ${JSON.stringify(row)}, came ${latenciesMs.length}`);
      await sleep(50);
    }
  }
}
