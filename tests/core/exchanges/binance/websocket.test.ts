import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { openBinanceStream, type BinanceStreamOptions } from '#core/exchanges/binance/websocket.ts';
import type { ExchangeStream, StreamEvent, StreamRequest } from '#core/exchanges/exchange.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startVenue, tradeMessage, type Venue, type VenueOptions } from './venue.ts';

const opened: { venue: Venue; stream: ExchangeStream }[] = [];
const patience = { timeout: 30_000 };

async function open(
  venueOptions: VenueOptions = {},
  options: Partial<BinanceStreamOptions> = {},
  request: Partial<StreamRequest> = {},
) {
  const venue = await startVenue(venueOptions);
  const events: StreamEvent[] = [];
  const metrics = new Metrics();
  const stream = openBinanceStream(
    { symbols: ['BTCUSDT'], onEvent: (event) => events.push(event), ...request },
    {
      ...{ source: 'test', wsUrl: venue.wsUrl, metrics },
      logger: createLogger({ level: 'silent', name: 'test' }),
      ...options,
    },
  );
  opened.push({ venue, stream });
  const ofKind = <K extends StreamEvent['kind']>(kind: K) =>
    events.filter((event): event is StreamEvent & { kind: K } => event.kind === kind);
  return {
    ...{ venue, events, stream, metrics, ofKind },
    connected: (count: number) => vi.waitFor(() => expect(ofKind('connected')).toHaveLength(count), patience),
    trades: (count: number) => vi.waitFor(() => expect(ofKind('trade')).toHaveLength(count), patience),
    send: (from: number, to: number) => {
      for (let id = from; id <= to; id++) venue.sockets.at(-1)?.socket.send(tradeMessage('BTCUSDT', id));
    },
  };
}

afterEach(async () => {
  for (const { venue, stream } of opened.splice(0)) {
    await stream.close();
    await venue.close();
  }
});

describe('subscriptions', () => {
  it('go in batches over as many connections as needed, each stream once', async () => {
    const symbols = Array.from({ length: 225 }, (_, i) => `A${i}USDT`);
    const { venue, connected } = await open(
      {},
      { streamsPerConnection: 300 },
      { symbols, kinds: ['trade', 'quote'] },
    );
    await connected(2);
    const batches = venue.sockets.map(({ subscriptions }) => subscriptions.map(({ length }) => length));
    expect(batches.sort((a, b) => b.length - a.length)).toEqual([[200, 100], [150]]);
    const streams = venue.sockets.flatMap(({ subscriptions }) => subscriptions.flat());
    expect(new Set(streams)).toEqual(
      new Set(
        symbols.flatMap((symbol) => [`${symbol.toLowerCase()}@trade`, `${symbol.toLowerCase()}@bookTicker`]),
      ),
    );
    expect(streams).toHaveLength(450);
  });

  it('that are refused are tried again on a new connection', async () => {
    const { venue, connected } = await open({
      onSubscribe: (id, _socket, { sockets }) =>
        sockets.length === 1 ? { error: { code: 2, msg: 'Invalid request' }, id } : { result: null, id },
    });
    await connected(1);
    expect(venue.sockets).toHaveLength(2);
  });

  it.each([
    [{ symbols: [] }, 'needs a symbol'],
    [{ symbols: ['btcusdt'] }, 'is no symbol'],
    [{ kinds: ['kline'] as const, interval: '7m' }, 'need an interval'],
  ])('without sense are refused: %j', async (request, message) => {
    await expect(open({}, {}, request)).rejects.toThrow(message);
  });
});

describe('events', () => {
  it('come in order, with the time of receipt in nanoseconds', async () => {
    const { send, trades, connected, ofKind } = await open();
    await connected(1);
    const before = BigInt(Date.now() - 1_000) * 1_000_000n;
    send(1, 100);
    await trades(100);
    expect(ofKind('trade').map(({ trade }) => trade.tradeId)).toEqual(
      Array.from({ length: 100 }, (_, i) => i + 1),
    );
    for (const { receivedNs } of ofKind('trade')) {
      expect(BigInt(receivedNs)).toBeGreaterThan(before);
      expect(BigInt(receivedNs)).toBeLessThan(before + 60_000_000_000n);
    }
  });

  it('that are not understood come as refused; nameless snapshots are only counted', async () => {
    const { venue, connected, ofKind, stream, metrics, trades } = await open();
    await connected(1);
    const socket = venue.sockets[0]?.socket;
    socket?.send('{"stream":"btcusdt@trade","data":{"e":"tra');
    socket?.send('{"lastUpdateId":1,"bids":[],"asks":[]}');
    socket?.send(Buffer.from([1, 2, 3]), { binary: true });
    socket?.send(tradeMessage('BTCUSDT', 1));
    await trades(1);
    expect(ofKind('refused').map(({ reason }) => reason)).toEqual(['not JSON', 'binary frame']);
    await stream.close();
    const counted = await metrics.registry.metrics();
    expect(counted).toContain('ticklake_exchange_stream_messages_total{source="test",kind="refused"} 2');
    expect(counted).toContain('ticklake_exchange_stream_messages_total{source="test",kind="snapshot"} 1');
  });

  it('announce a hole, and none where the missing came late', async () => {
    const { send, connected, ofKind } = await open({}, { reorderWindow: { trades: 50, ms: 200 } });
    await connected(1);
    send(1, 3);
    send(6, 6);
    send(5, 5);
    send(4, 4);
    send(9, 9);
    await vi.waitFor(() => expect(ofKind('hole')).toHaveLength(1), patience);
    expect(ofKind('hole')).toEqual([{ kind: 'hole', symbol: 'BTCUSDT', fromId: 7, toId: 9 }]);
  });
});

describe('connections', () => {
  it('that are lost are opened again, and what was missed meanwhile is a hole', async () => {
    const { venue, send, trades, connected, ofKind, metrics } = await open();
    await connected(1);
    send(1, 10);
    await trades(10);
    venue.sockets[0]?.socket.terminate();
    await connected(2);
    send(21, 30);
    await trades(20);
    await vi.waitFor(() => expect(ofKind('hole')).toHaveLength(1), patience);
    expect(ofKind('hole')).toEqual([{ kind: 'hole', symbol: 'BTCUSDT', fromId: 11, toId: 21 }]);
    expect(ofKind('disconnected')).toHaveLength(1);
    expect(await metrics.registry.metrics()).toContain(
      'ticklake_exchange_stream_reconnects_total{source="test"} 1',
    );
  });

  it('that fall silent are given up', async () => {
    const { connected, ofKind } = await open({ autoPong: false }, { silenceMs: 200 });
    await connected(2);
    expect(ofKind('disconnected')[0]?.reason).toMatch(/silent for \d+ ms/);
  });

  it('that only answer pings are kept', async () => {
    // Longer than a busy machine keeps a program from running.
    const { connected, ofKind } = await open({}, { silenceMs: 1_000 });
    await connected(1);
    await sleep(2_500);
    expect(ofKind('disconnected')).toEqual([]);
  });

  it('are replaced ahead of their end with an overlap: nothing is missed', async () => {
    const { venue, connected, events, ofKind } = await open({}, { maxAgeMs: 300 });
    let id = 0;
    const tape = setInterval(() => {
      id++;
      for (const { socket } of venue.sockets) socket.send(tradeMessage('BTCUSDT', id));
    }, 5);
    try {
      await connected(3);
    } finally {
      clearInterval(tape);
    }
    const changes = events.filter(({ kind }) => kind === 'connected' || kind === 'disconnected');
    expect(changes.slice(0, 3)).toMatchObject([
      { kind: 'connected', connectionId: 1 },
      { kind: 'connected', connectionId: 2 },
      { kind: 'disconnected', connectionId: 1, reason: 'replaced ahead of its end' },
    ]);
    const ids = [...new Set(ofKind('trade').map(({ trade }) => trade.tradeId))];
    expect(ids).toEqual(ids.map((_, i) => (ids[0] ?? 0) + i));
    expect(ofKind('hole')).toEqual([]);
  });

  it('that are paused deliver nothing until they are resumed', async () => {
    const { venue, send, trades, connected, stream, ofKind } = await open();
    await connected(1);
    send(1, 1);
    await trades(1);
    stream.pause();
    send(2, 2_000);
    await new Promise((resolve) => venue.sockets[0]?.socket.ping('', false, resolve));
    await sleep(200);
    expect(ofKind('trade')).toHaveLength(1);
    stream.resume();
    await trades(2_000);
    expect(ofKind('hole')).toEqual([]);
  });

  it('that are lost while paused are opened again after resume', async () => {
    const { venue, send, trades, connected, stream } = await open();
    await connected(1);
    stream.pause();
    venue.sockets[0]?.socket.terminate();
    await sleep(100);
    stream.resume();
    await connected(2);
    send(1, 3);
    await trades(3);
  });

  it('that are opened while paused read nothing, are waited for, and end with close', async () => {
    const { venue, stream, events } = await open({}, { connectTimeoutMs: 300 });
    stream.pause();
    await vi.waitFor(() => expect(venue.sockets[0]?.subscriptions).toHaveLength(1), patience);
    await sleep(500);
    expect(venue.sockets).toHaveLength(1);
    await stream.close();
    expect(events.filter(({ kind }) => kind !== 'disconnected')).toEqual([]);
  });

  it('end with close, also while connecting, also twice', async () => {
    const { stream, ofKind, venue } = await open();
    await Promise.all([stream.close(), stream.close()]);
    expect(ofKind('connected')).toEqual([]);
    expect(venue.sockets.filter(({ socket }) => socket.readyState === socket.OPEN)).toEqual([]);
  });
});
