import { once } from 'node:events';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { WebSocket } from 'ws';
import { candleFeed, indicatorFeed, openFeeds, signalFeed } from '#api/client/index.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import { candlesticksTopic, indicatorsTopic, signalsTopic } from '#core/market/topics.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { appendRecords, candlestick, ensureLiveTopics, indicators, signal } from './live-records.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;
let url: string;
let markets = 0;
let market: { source: string; symbol: string; interval: '1m' };

beforeAll(async () => {
  ground = await openTestLake();
  await ensureLiveTopics(ground.log);
  await startService();
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

beforeEach(() => {
  markets += 1;
  market = { source, symbol: `M${markets}USDT`, interval: '1m' };
});

async function startService(): Promise<void> {
  service = await openService(ground);
  const address = await service.app.listen({ host: '127.0.0.1', port: 0 });
  url = `${address.replace('http', 'ws')}/v1/stream`;
}

type DataMessage = Extract<ServerMessage, { resumeToken: string }>;

async function connect() {
  const socket = new WebSocket(url);
  const messages: ServerMessage[] = [];
  socket.on('message', (data: Buffer) => messages.push(JSON.parse(data.toString()) as ServerMessage));
  await once(socket, 'open');
  const of = (channel: DataMessage['channel'], interval?: string): DataMessage[] =>
    messages.filter(
      (message): message is DataMessage =>
        'resumeToken' in message &&
        message.channel === channel &&
        ('interval' in message ? message.interval === interval : true),
    );
  return {
    messages,
    say: (message: object) => socket.send(JSON.stringify(message)),
    until: (done: () => boolean) =>
      vi.waitFor(() => expect(done()).toBe(true), { timeout: 20_000, interval: 10 }),
    of,
    /** Minute and revision of each candle that came. */
    bars: (interval = '1m') =>
      of('candles', interval).flatMap((message) =>
        message.channel === 'candles'
          ? message.data.flatMap(({ candles }) =>
              candles.map(({ openTime, revision }) => `${Number(openTime.slice(14, 16))}.${revision}`),
            )
          : [],
      ),
    signals: () => of('signals').flatMap(({ channel, data }) => (channel === 'signals' ? data : [])),
    token: (channel: DataMessage['channel'], interval?: string) => of(channel, interval).at(-1)?.resumeToken,
    async close() {
      socket.close();
      await once(socket, 'close');
    },
  };
}

const append = (records: Parameters<typeof appendRecords>[2]) =>
  appendRecords(ground.log, candlesticksTopic, records);
const candles = (from: number, to: number, interval: '1m' | '5m' = '1m') =>
  Array.from({ length: to - from }, (_, index) => candlestick({ ...market, interval }, from + index));
const asked = () => ({ op: 'subscribe', channel: 'candles', interval: '1m', symbols: [market.symbol] });
const numbers = (from: number, to: number): string[] =>
  Array.from({ length: to - from }, (_, index) => `${from + index}.1`);

describe('the channel candles', () => {
  it('begins with the newest bars, then brings each that closes and each revision once', async () => {
    const first = await connect();
    first.say(asked());
    await first.until(() => first.messages.length > 0);
    await append(candles(0, 10));
    await first.until(() => first.bars().length === 10);
    const second = await connect();
    second.say(asked());
    await second.until(() => second.messages.length > 0);
    expect(second.messages[0]).toMatchObject({
      ...{ op: 'snapshot', channel: 'candles', interval: '1m', reset: false },
      data: [{ symbol: market.symbol, source, candles: expect.any(Array) }],
    });
    expect(second.bars()).toEqual(numbers(5, 10));
    await append([
      ...candles(7, 11),
      candlestick(market, 2, 2),
      candlestick(market, 2, 2),
      ...candles(11, 12),
    ]);
    await Promise.all([first, second].map((client) => client.until(() => client.bars().includes('11.1'))));
    expect(first.bars()).toEqual([...numbers(0, 10), '10.1', '2.2', '11.1']);
    expect(second.bars()).toEqual([...numbers(5, 10), '10.1', '2.2', '11.1']);
    await Promise.all([first.close(), second.close()]);
  });

  it('keeps intervals apart, each with a token of its own', async () => {
    const client = await connect();
    client.say(asked());
    client.say({ ...asked(), interval: '5m' });
    await client.until(() => client.messages.length === 2);
    await append([...candles(0, 2), ...candles(0, 1, '5m')]);
    await client.until(() => client.bars('5m').length === 1 && client.bars('1m').length === 2);
    const tokens = { '1m': client.token('candles', '1m'), '5m': client.token('candles', '5m') };
    client.say({ ...asked(), op: 'unsubscribe', interval: '5m' });
    await client.until(() => client.messages.at(-1)?.op === 'unsubscribed');
    await client.close();
    await append([...candles(2, 4), ...candles(1, 2, '5m')]);
    const back = await connect();
    for (const interval of ['1m', '5m'] as const) {
      back.say({ ...asked(), interval, resumeToken: tokens[interval] });
    }
    await back.until(() => back.messages.filter(({ op }) => op === 'resumed').length === 2);
    await append([...candles(4, 5), ...candles(2, 3, '5m')]);
    await back.until(() => back.bars('5m').length === 2 && back.bars('1m').length === 3);
    expect(back.bars('1m')).toEqual(['2.1', '3.1', '4.1']);
    expect(back.bars('5m')).toEqual(['5.1', '10.1']);
    await back.close();
  });

  it('goes on by token out of the log, in another process, without repeats', async () => {
    const before = await connect();
    before.say(asked());
    await append(candles(0, 10));
    await before.until(() => before.bars().includes('9.1'));
    const resumeToken = before.token('candles', '1m');
    await before.close();
    await append([...candles(5, 50), candlestick(market, 3, 2)]);
    await service.close();
    await startService();
    await append([candlestick(market, 3, 2), ...candles(40, 55)]);
    const after = await connect();
    after.say({ ...asked(), resumeToken });
    await after.until(() => after.bars().includes('54.1'));
    expect(after.bars()).toEqual([...numbers(10, 50), '3.2', ...numbers(50, 55)]);
    expect(after.messages.filter(({ op }) => op === 'snapshot')).toEqual([]);
    await after.close();
  });
});

describe('the channel indicators', () => {
  it('brings the row of each bar that closed', async () => {
    const client = await connect();
    client.say({ ...asked(), channel: 'indicators' });
    await client.until(() => client.messages.length > 0);
    const rows = [
      indicators(market, 0),
      indicators(market, 0),
      indicators(market, 0, 2),
      indicators(market, 1),
    ];
    await appendRecords(ground.log, indicatorsTopic, rows);
    const found = () =>
      client
        .of('indicators', '1m')
        .flatMap((message) => (message.channel === 'indicators' ? message.data : []))
        .flatMap((group) => group.indicators);
    await client.until(() => found().length === 3);
    expect(found().map(({ openTime, sma20 }) => [openTime.slice(11, 16), sma20])).toEqual([
      ['00:00', 102.5],
      ['00:00', 103.5],
      ['00:01', 102.5],
    ]);
    await client.close();
  });
});

describe('the channel signals', () => {
  it('brings all, or those asked for, each once and also after a break', async () => {
    const others = await connect();
    others.say({ op: 'subscribe', channel: 'signals', symbols: [market.symbol], interval: '5m' });
    const all = await connect();
    all.say({ op: 'subscribe', channel: 'signals' });
    await Promise.all([others, all].map((client) => client.until(() => client.messages.length > 0)));
    const said = [signal(market, 0), signal({ ...market, interval: '5m' }, 1, 'SELL')];
    await appendRecords(ground.log, signalsTopic, [...said, ...said]);
    await all.until(() => all.signals().length >= 2);
    await others.until(() => others.signals().length >= 1);
    expect(all.signals().map(({ signalId }) => signalId)).toEqual(said.map((each) => each.signal_id));
    expect(others.signals()).toMatchObject([{ signal: 'SELL', symbol: market.symbol, interval: '5m' }]);
    const resumeToken = all.token('signals');
    await Promise.all([others.close(), all.close()]);
    const missed = signal(market, 2, 'SELL');
    await appendRecords(ground.log, signalsTopic, [...said, missed]);
    const back = await connect();
    back.say({ op: 'subscribe', channel: 'signals', resumeToken });
    await back.until(() => back.messages.some(({ op }) => op === 'resumed'));
    await back.until(() => back.signals().length > 0);
    expect(back.signals().map(({ signalId }) => signalId)).toEqual([missed.signal_id]);
    back.say({ op: 'unsubscribe', channel: 'signals' });
    await back.until(() => back.messages.at(-1)?.op === 'unsubscribed');
    await back.close();
  });

  it('has one selection, the last', async () => {
    const client = await connect();
    client.say({ op: 'subscribe', channel: 'signals' });
    client.say({ op: 'subscribe', channel: 'signals', symbols: ['NONEUSDT'] });
    await client.until(() => client.messages.length === 2);
    client.say({ op: 'subscribe', channel: 'signals', symbols: ['NONEUSDT', market.symbol] });
    await client.until(() => client.messages.length === 3);
    await appendRecords(ground.log, signalsTopic, [signal(market, 0)]);
    await client.until(() => client.messages.length === 4);
    expect(client.messages[3]).toMatchObject({ op: 'update', data: [{ symbol: market.symbol }] });
    await client.close();
  });
});

describe('the client', () => {
  it('follows several feeds on one connection, and goes on where it was after a break', async () => {
    const { symbol, interval } = market;
    const bars: string[] = [];
    const others: string[] = [];
    let connections = 0;
    const feeds = openFeeds({
      url,
      feeds: [
        candleFeed({
          ...{ symbols: [symbol], interval },
          onCandles: (data) =>
            bars.push(
              ...data.flatMap((group) => group.candles.map(({ openTime }) => openTime.slice(14, 16))),
            ),
        }),
        indicatorFeed({
          ...{ symbols: [symbol], interval },
          onIndicators: (data) =>
            others.push(...data.flatMap((group) => group.indicators.map(({ sma20 }) => String(sma20)))),
        }),
        signalFeed({
          symbols: [symbol],
          onSignals: (said) => others.push(...said.map((each) => each.signal)),
        }),
      ],
      onState: (state) => (connections += state === 'live' ? 1 : 0),
    });
    const until = (done: () => boolean) =>
      vi.waitFor(() => expect(done()).toBe(true), { timeout: 20_000, interval: 10 });
    await until(() => connections === 1);
    await append(candles(0, 2));
    await appendRecords(ground.log, indicatorsTopic, [indicators(market, 1)]);
    await appendRecords(ground.log, signalsTopic, [signal(market, 1)]);
    await until(() => bars.length === 2 && others.length === 2);
    for (const client of service.app.websocketServer.clients) client.terminate();
    await append(candles(1, 4));
    await appendRecords(ground.log, signalsTopic, [signal(market, 3, 'SELL')]);
    await until(() => bars.length >= 4 && others.length >= 3);
    expect(bars).toEqual(['00', '01', '02', '03']);
    expect(others.toSorted()).toEqual(['102.5', 'BUY', 'SELL']);
    expect(connections).toBe(2);
    feeds.close();
  });
});

describe('what is asked wrongly', () => {
  it.each([
    { op: 'subscribe', channel: 'candles', symbols: ['BTCUSDT'] },
    { op: 'subscribe', channel: 'candles', interval: '2s', symbols: ['BTCUSDT'] },
    { op: 'subscribe', channel: 'indicators', interval: '1s', symbols: ['BTCUSDT'] },
    { op: 'subscribe', channel: 'trades', interval: '1m', symbols: ['BTCUSDT'] },
    { op: 'subscribe', channel: 'signals', symbols: [] },
  ])('%j is answered with a problem', async (message) => {
    const client = await connect();
    client.say(message);
    await client.until(() => client.messages.length === 1);
    expect(client.messages).toMatchObject([{ op: 'error', problem: { code: 'BAD_REQUEST' } }]);
    await client.close();
  });
});
