import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Exchange, StreamEvent } from '#core/exchanges/exchange.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { malformedWays } from '#core/exchanges/simulator/malformed.ts';
import { startSimulator } from '#core/exchanges/simulator/server.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { exchangeContract } from '../contract.ts';

const logger = createLogger({ level: 'silent', name: 'test' });
/** Of the simulator's ways to break a message: the others are well formed, and for the reader of the log to judge. */
const unreadable = malformedWays - 3;
const patience = { timeout: 15_000, interval: 50 };

async function openSimulator() {
  const simulator = await startSimulator({
    ...{ seed: 7, symbols: 5, speed: 60, port: 0, logger },
    metrics: new Metrics(),
  });
  const { url, wsUrl } = simulator;
  const metrics = new Metrics();
  const exchange = await openExchange({ exchange: 'simulator', url, wsUrl, logger, metrics });
  const [market] = await exchange.symbols();
  return {
    exchange,
    metrics,
    symbol: market?.symbol ?? '',
    async fault(kind: string, count: number): Promise<void> {
      const body = JSON.stringify({ kind, count });
      const headers = { 'content-type': 'application/json' };
      const response = await fetch(`${url}/simulator/faults`, { method: 'POST', headers, body });
      expect(response.ok, await response.text()).toBe(true);
    },
    close: () => simulator.close(),
  };
}

exchangeContract('binance adapter on the simulator', async () => {
  const opened = await openSimulator();
  return { ...opened, dropTrades: () => opened.fault('drop', 20) };
});

describe('faults of the venue', () => {
  let opened: Awaited<ReturnType<typeof openSimulator>>;
  let exchange: Exchange;

  beforeAll(async () => {
    opened = await openSimulator();
    ({ exchange } = opened);
  });
  afterAll(async () => {
    await exchange.close();
    await opened.close();
  });

  it('are answered under the seed’s name', () => {
    expect(exchange.source).toBe('simulator:7');
  });

  it.each([
    ['drop', 5],
    ['duplicate', 20],
    ['disorder', 5],
    ['malformed', malformedWays],
    ['disconnect', 1],
  ])('%s: every id of every market came or was announced as missing', async (kind, count) => {
    const symbols = (await exchange.symbols()).map(({ symbol }) => symbol);
    const events: StreamEvent[] = [];
    const stream = exchange.stream({ symbols, onEvent: (event) => events.push(event) });
    const enough = (from: number) =>
      vi.waitFor(() => {
        for (const symbol of symbols)
          expect(idsOf(events.slice(from), symbol).size).toBeGreaterThanOrEqual(3);
      }, patience);
    try {
      await enough(0);
      await opened.fault(kind, count);
      if (kind === 'malformed') {
        await vi.waitFor(() => expect(refusedOf(events)).toHaveLength(unreadable), patience);
      }
      if (kind === 'disconnect') await vi.waitFor(() => expect(connectsOf(events)).toHaveLength(2), patience);
      await enough(events.length);
      await enough(events.length);
      await vi.waitFor(() => {
        for (const symbol of symbols) expect(unexplained(events, symbol)).toEqual([]);
      }, patience);
    } finally {
      await stream.close();
    }
    let missing = 0;
    for (const symbol of symbols) {
      const announced = announcedOf(events, symbol);
      const came = idsOf(events, symbol);
      missing += announced.length;
      expect(announced.filter((id) => came.has(id))).toEqual([]);
    }
    if (kind === 'duplicate' || kind === 'disorder') expect(missing).toBe(0);
    if (kind === 'drop') expect(missing).toBe(count);
    const reasons = refusedOf(events).map(({ reason }) => reason);
    expect(reasons).toHaveLength(kind === 'malformed' ? unreadable : 0);
    expect(reasons).not.toContain('');
  });

  it.each(['429', '418', '5xx'])('%s: the request is answered in the end', async (kind) => {
    await opened.fault(kind, 1);
    expect(await exchange.timeUs()).toBeGreaterThan(0);
    const status = kind === '5xx' ? /status="5\d\d"/ : new RegExp(`status="${kind}"`);
    expect(await opened.metrics.registry.metrics()).toMatch(status);
  });
});

function idsOf(events: readonly StreamEvent[], symbol: string): Set<number> {
  return new Set(
    events.flatMap((event) =>
      event.kind === 'trade' && event.trade.symbol === symbol ? event.trade.tradeId : [],
    ),
  );
}

function announcedOf(events: readonly StreamEvent[], symbol: string): number[] {
  return events.flatMap((event) =>
    event.kind === 'hole' && event.symbol === symbol
      ? Array.from({ length: event.toId - event.fromId }, (_, i) => event.fromId + i)
      : [],
  );
}

/** Ids that neither came nor were announced, though a later one came. */
function unexplained(events: readonly StreamEvent[], symbol: string): number[] {
  const came = idsOf(events, symbol);
  const known = new Set([...came, ...announcedOf(events, symbol)]);
  const first = Math.min(...came);
  return Array.from({ length: Math.max(...came) - first }, (_, i) => first + i).filter(
    (id) => !known.has(id),
  );
}

const refusedOf = (events: readonly StreamEvent[]) => events.filter((event) => event.kind === 'refused');
const connectsOf = (events: readonly StreamEvent[]) => events.filter((event) => event.kind === 'connected');
