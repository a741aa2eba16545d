import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { SignalList } from '#api/schemas/signals.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { putSignals, signal } from './live-records.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;

const market = { source, symbol: 'BTCUSDT', interval: '1m' } as const;
const minutes = Array.from({ length: 25 }, (_, index) => signal(market, index, index % 2 ? 'SELL' : 'BUY'));
const others = [
  signal({ ...market, symbol: 'ETHUSDT' }, 3),
  signal({ ...market, interval: '5m' }, 4, 'SELL'),
  signal({ ...market, source: 'binance' }, 5),
];

beforeAll(async () => {
  ground = await openTestLake();
  await putSignals(ground.database, [...minutes, ...others]);
  service = await openService(ground);
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function get<T = SignalList>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url, headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

async function all(url: string): Promise<SignalList['items']> {
  const found: SignalList['items'] = [];
  for (let cursor: string | null = ''; cursor !== null;) {
    const page: SignalList = await get(`${url}${cursor && `&cursor=${cursor}`}`);
    found.push(...page.items);
    cursor = page.nextCursor;
  }
  return found;
}

describe('signals', () => {
  it('are told as they were said, those of the newest bars first', async () => {
    const newest = minutes[24];
    const { items } = await get('/v1/signals?symbol=BTCUSDT&interval=1m&limit=1');
    expect(items).toEqual([
      {
        ...{ signalId: newest?.signal_id, strategy: 'ma_crossover', version: '1' },
        ...{ symbol: 'BTCUSDT', source, interval: '1m', openTime: '2026-03-01T00:24:00.000000Z' },
        ...{ signal: 'BUY', price: '100.125', reason: 'sma_50 crossed sma_200', sma50: 102.5, sma200: 101.5 },
        createdAt: '2026-03-01T00:25:00.005000Z',
      },
    ]);
  });

  it('come in pages that miss none and repeat none', async () => {
    const found = await all('/v1/signals?limit=4');
    expect(found.map(({ signalId }) => signalId).toSorted()).toEqual(
      [...minutes, ...others].map((each) => each.signal_id).toSorted(),
    );
    expect(found.map(({ openTime }) => openTime)).toEqual(
      found
        .map(({ openTime }) => openTime)
        .toSorted()
        .toReversed(),
    );
  });

  it.each([
    ['symbol=ETHUSDT', 1],
    ['interval=5m', 1],
    ['source=binance', 1],
    ['signal=SELL', 13],
    ['strategy=ma_crossover&signal=BUY&symbol=BTCUSDT&interval=1m&source=simulator:42', 13],
    ['strategy=model', 0],
    ['from=2026-03-01T00:20:00Z', 6],
    ['to=2026-03-01', 0],
    ['from=2026-03-01T00:10:00Z&to=2026-03-01T00:12:00Z', 2],
  ])('are filtered by %s', async (filter, count) => {
    expect((await get(`/v1/signals?${filter}`)).items).toHaveLength(count);
  });

  it('are told of the latest of each strategy, market and interval', async () => {
    const series = ({ source: of, symbol, interval, openTime }: SignalList['items'][number]) =>
      `${of} ${symbol} ${interval} ${openTime.slice(11, 16)}`;
    const expected = [
      'binance BTCUSDT 1m 00:05',
      'simulator:42 BTCUSDT 1m 00:24',
      'simulator:42 BTCUSDT 5m 00:20',
      'simulator:42 ETHUSDT 1m 00:03',
    ];
    expect((await get('/v1/signals/latest')).items.map(series)).toEqual(expected);
    expect((await all('/v1/signals/latest?limit=1')).map(series)).toEqual(expected);
    expect((await get('/v1/signals/latest?symbol=BTCUSDT&source=binance')).items.map(series)).toEqual(
      expected.slice(0, 1),
    );
    expect((await get('/v1/signals/latest?signal=SELL')).items.map(series)).toEqual(expected.slice(2, 3));
  });

  it('refuse what is no filter and no cursor of theirs', async () => {
    for (const url of [
      '?interval=1s',
      '?signal=HOLD',
      '?cursor=abc',
      '?cursor=MTp4QHk',
      '/latest?cursor=MTp4QHk',
    ]) {
      expect((await get<Problem>(`/v1/signals${url}`, 400)).code).toBe('BAD_REQUEST');
    }
  });
});
