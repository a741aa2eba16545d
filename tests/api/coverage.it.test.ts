import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { Coverage, CoverageList, GapList } from '#api/schemas/lake.ts';
import { explainIds } from '#core/lake/coverage.ts';
import { putBars, type TestBar } from '#tests/support/bars.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;
/** Snapshots of the commits of the test, oldest first. */
const snapshots: string[] = [];

const hourUs = 3_600_000_000;
const start = Date.parse('2024-03-01T00:00:00Z') * 1_000;
const at = (hour: number): number => start + hour * hourUs;

function bars(from: number, to: number, except: readonly number[] = []): TestBar[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
    .filter((hour) => !except.includes(hour))
    .map((hour) => ({
      openUs: at(hour),
      ...{ open: '1', high: '1', low: '1', close: '1', volume: '1', quoteVolume: '1', trades: 1 },
    }));
}

async function commit(
  listing: string,
  from: number,
  to: number,
  except: readonly number[] = [],
): Promise<void> {
  const span = { lo: at(from), hi: at(to) };
  const { snapshotId } = await putBars(ground, {
    ...{ source, listing, interval: '1h', span },
    bars: bars(from, to, except),
  });
  snapshots.push(String(snapshotId));
}

beforeAll(async () => {
  ground = await openTestLake();
  await commit('BTCUSDT#1', 0, 48, [5, 6, 30]);
  await commit('ETHUSDT#1', 0, 24);
  await commit('BTCUSDT#1', 5, 7, [6]);
  await commit('BTCUSDT#1', 40, 48, [40, 41, 42, 43, 44, 45, 46, 47]);
  const halted = { source, listing: 'BTCUSDT#1', interval: '1h', lo: at(30), hi: at(31) };
  await explainIds(ground.database, 'market.klines', [
    { ...halted, cause: 'exchange halt', detail: 'upgrade' },
  ]);
  await ground.database.query(
    `insert into lake.wanted (table_name, source, listing, "interval", lo, hi, rank)
     values ('market.klines', $1, 'ETHUSDT#1', '1h', $2, $3, 1)`,
    [source, at(-2), at(26)],
  );
  service = await openService(ground);
});

afterAll(async () => {
  await service.close();
  await ground.close();
});

async function get<T>(url: string, status = 200): Promise<T> {
  const answer = await service.app.inject({ url, headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(status);
  return answer.json<T>();
}

const figures = ({ symbol, day, expected, held, explained, missing }: Coverage) => [
  ...[symbol, ...(day === undefined ? [] : [day])],
  ...[expected, held, explained, missing],
];

describe('coverage', () => {
  it('is what is held of what is wanted, or of what lies between', async () => {
    const { items, asOf } = await get<CoverageList>('/v1/lake/coverage?table=market.klines');
    expect(items.map(figures)).toEqual([
      ['BTCUSDT', 40, 38, 1, 1],
      ['ETHUSDT', 28, 24, 0, 4],
    ]);
    expect(items[1]).toMatchObject({ lo: at(-2), hi: at(26), interval: '1h' });
    expect(asOf).toMatchObject([{ table: 'market.klines', snapshotId: snapshots[3] }]);
  });

  it('is told by day, in pages', async () => {
    const days: Coverage[] = [];
    let cursor = '';
    do {
      const page = await get<CoverageList>(`/v1/lake/coverage?by=day&limit=2${cursor}`);
      days.push(...page.items);
      cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
    } while (cursor !== '');
    expect(days.map(figures)).toEqual([
      ['BTCUSDT', '2024-03-01', 24, 23, 0, 1],
      ['BTCUSDT', '2024-03-02', 16, 15, 1, 0],
      ['ETHUSDT', '2024-02-29', 2, 0, 0, 2],
      ['ETHUSDT', '2024-03-01', 24, 24, 0, 0],
      ['ETHUSDT', '2024-03-02', 2, 0, 0, 2],
    ]);
    const one = await get<CoverageList>(
      '/v1/lake/coverage?by=day&symbol=BTCUSDT&interval=1h&from=2024-03-02&to=2024-03-03',
    );
    expect(one.items.map(figures)).toEqual([['BTCUSDT', '2024-03-02', 16, 15, 1, 0]]);
  });

  it('is told as of each earlier commit', async () => {
    const then = async (asOf: string | undefined, by = 'listing') => {
      const { items } = await get<CoverageList>(`/v1/lake/coverage?symbol=BTCUSDT&by=${by}&asOf=${asOf}`);
      return items.map(figures);
    };
    expect(await then(snapshots[0])).toEqual([['BTCUSDT', 48, 45, 0, 3]]);
    expect(await then(snapshots[2])).toEqual([['BTCUSDT', 48, 46, 0, 2]]);
    expect(await then(snapshots[3])).toEqual([['BTCUSDT', 40, 38, 0, 2]]);
    expect(await then(snapshots[0], 'day')).toEqual([
      ['BTCUSDT', '2024-03-01', 24, 22, 0, 2],
      ['BTCUSDT', '2024-03-02', 24, 23, 0, 1],
    ]);
    expect(await then('2000-01-01T00:00:00Z')).toEqual([]);
    expect(await get<Problem>('/v1/lake/coverage?asOf=yesterday', 404)).toMatchObject({
      code: 'NOT_FOUND',
      remedy: expect.stringContaining('lake snapshots'),
    });
  });

  it.each(['by=week', 'from=today', 'by=day&cursor=bm9wZQ', 'interval=7m'])('refuses %s', async (query) => {
    expect(await get<Problem>(`/v1/lake/coverage?${query}`, 400)).toMatchObject({ code: 'BAD_REQUEST' });
  });
});

describe('gaps', () => {
  it('are what is wanted and not held, by kind, cause and market', async () => {
    const ranges = async (query: string) => {
      const { items } = await get<GapList>(`/v1/lake/gaps?${query}`);
      return items.map(({ symbol, from, to, kind, cause }) => [
        ...[symbol, (from - start) / hourUs, (to - start) / hourUs],
        ...[kind, cause],
      ]);
    };
    const missing = [
      ['BTCUSDT', 6, 7, 'missing', null],
      ['ETHUSDT', -2, 0, 'missing', null],
      ['ETHUSDT', 24, 26, 'missing', null],
    ];
    const explained = [['BTCUSDT', 30, 31, 'explained', 'exchange halt']];
    expect(await ranges('')).toEqual([...missing, ...explained]);
    expect(await ranges('kind=missing')).toEqual(missing);
    expect(await ranges('kind=explained')).toEqual(explained);
    expect(await ranges('cause=exchange%20halt')).toEqual(explained);
    expect(await ranges('symbol=ETHUSDT&interval=1h')).toEqual(missing.slice(1));
    expect(await ranges('interval=1d')).toEqual([]);
    const first = await get<GapList>('/v1/lake/gaps?limit=3');
    const rest = await get<GapList>(`/v1/lake/gaps?limit=3&cursor=${first.nextCursor}`);
    expect([first.items.length, rest.items.length, rest.nextCursor]).toEqual([3, 1, null]);
  });
});
