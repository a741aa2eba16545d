import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Problem } from '#api/schemas/common.ts';
import type { FindingList, IncidentList, RestatementList } from '#api/schemas/reports.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

let ground: TestLake;
let service: Service;

const hourUs = 3_600_000_000;
const start = Date.parse('2024-03-01T00:00:00Z') * 1_000;

beforeAll(async () => {
  ground = await openTestLake();
  const { database } = ground;
  const incident = async (kind: string, symbol: string | null, hour: number, hours: number | null) => {
    const from = start + hour * hourUs;
    await database.query(
      `insert into lake.incidents (source, symbol, kind, from_us, to_us, cause, evidence, found_by)
       values ($1, $2, $3, $4, $5, 'nothing traded', '{"bars": 3}', 'silence')`,
      [source, symbol, kind, from, hours === null ? null : from + hours * hourUs],
    );
  };
  await incident('outage', null, 0, 2);
  await incident('halt', 'BTCUSDT', 5, 1);
  await incident('halt', 'ETHUSDT', 5, 1);
  await incident('delisting', 'ETHUSDT', 30, null);
  await database.query(
    `update lake.incidents set recorded_at = '2024-03-02', superseded_at = '2024-03-03'
      where symbol = 'BTCUSDT'`,
  );
  await database.query(
    `insert into lake.reconciliation
       (table_name, source, symbol, "interval", open_time, field, by_channel, trusted, reason, run, found_at, resolved_at)
     select 'market.candles', $1, 'BTCUSDT', '1m', '2024-03-01'::timestamptz + i * interval '1 minute', 'close',
            '{"klines": "1.5", "candles": null}', 'klines', 'the exchange made it', 'a run',
            '2024-03-05'::timestamptz + i / 2 * interval '1 second', case when i = 4 then now() end
       from generate_series(0, 4) i`,
    [source],
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

async function allPages<T>(url: string): Promise<T[]> {
  const items: T[] = [];
  let cursor = '';
  do {
    const page = await get<{ items: T[]; nextCursor: string | null }>(`${url}limit=2${cursor}`);
    items.push(...page.items);
    cursor = page.nextCursor === null ? '' : `&cursor=${page.nextCursor}`;
  } while (cursor !== '');
  return items;
}

describe('incidents', () => {
  it('are those that are known, the newest first', async () => {
    const items = await allPages<IncidentList['items'][number]>('/v1/lake/incidents?');
    expect(items.map(({ kind, symbol, from, to }) => [kind, symbol, from, to])).toEqual([
      ['delisting', 'ETHUSDT', '2024-03-02T06:00:00.000000Z', null],
      ['halt', 'ETHUSDT', '2024-03-01T05:00:00.000000Z', '2024-03-01T06:00:00.000000Z'],
      ['outage', null, '2024-03-01T00:00:00.000000Z', '2024-03-01T02:00:00.000000Z'],
    ]);
    expect(items[2]).toMatchObject({ cause: 'nothing traded', evidence: { bars: 3 }, foundBy: 'silence' });
  });

  it('are found by market, kind, time, and when they were known', async () => {
    const kinds = async (query: string): Promise<string[]> => {
      const { items } = await get<IncidentList>(`/v1/lake/incidents?${query}`);
      return items.map(({ kind, symbol }) => `${kind} ${symbol ?? 'venue'}`);
    };
    expect(await kinds('symbol=BTCUSDT')).toEqual(['outage venue']);
    expect(await kinds('kind=halt')).toEqual(['halt ETHUSDT']);
    expect(await kinds('from=2024-03-02&to=2024-03-03')).toEqual(['delisting ETHUSDT']);
    expect(await kinds('to=2024-03-01T05:00:00Z')).toEqual(['outage venue']);
    expect(await kinds('knownAt=2024-03-02T12:00:00Z')).toEqual(['halt BTCUSDT']);
    expect(await kinds('source=binance')).toEqual([]);
  });
});

describe('reconciliation', () => {
  it('says where channels differ, and which to believe', async () => {
    const items = await allPages<FindingList['items'][number]>('/v1/lake/reconciliation?symbol=BTCUSDT&');
    expect(items.map(({ openTime }) => openTime.slice(11, 16)).sort()).toEqual([
      '00:00',
      '00:01',
      '00:02',
      '00:03',
    ]);
    expect(items.map(({ foundAt }) => foundAt)).toEqual(
      items
        .map(({ foundAt }) => foundAt)
        .toSorted()
        .reverse(),
    );
    expect(items[0]).toMatchObject({
      ...{ table: 'market.candles', interval: '1m', field: 'close', trusted: 'klines' },
      values: { klines: '1.5', candles: null },
    });
    const resolved = await get<FindingList>('/v1/lake/reconciliation?state=resolved');
    expect(resolved.items.map(({ openTime }) => openTime.slice(11, 16))).toEqual(['00:04']);
    expect((await get<FindingList>('/v1/lake/reconciliation?state=all')).items).toHaveLength(5);
    expect((await get<FindingList>('/v1/lake/reconciliation?interval=1d')).items).toEqual([]);
  });
});

describe('restatements', () => {
  it('are none where the archive replaced nothing', async () => {
    expect(await get<RestatementList>('/v1/lake/restatements')).toEqual({ items: [], nextCursor: null });
  });
});

it.each([
  'incidents?kind=war',
  'incidents?cursor=MTp4',
  'reconciliation?cursor=MTp4',
  'restatements?cursor=MTp4',
])('refuses %s', async (query) => {
  expect(await get<Problem>(`/v1/lake/${query}`, 400)).toMatchObject({ code: 'BAD_REQUEST' });
});

it.each([
  ['incidents', `${'9'.repeat(30)}\n1`],
  ['incidents', `1\n${'9'.repeat(30)}`],
  ['reconciliation', `9999-99-99\n${'a'.repeat(32)}`],
  ['reconciliation', `2024-03-01 00:00:00+16:23\n${'a'.repeat(32)}`],
  ['restatements', '9'.repeat(30)],
])('%s refuse a cursor that somebody made up: %j', async (list, key) => {
  const cursor = Buffer.from(`1:${key}`).toString('base64url');
  expect(await get<Problem>(`/v1/lake/${list}?cursor=${cursor}`, 400)).toMatchObject({ code: 'BAD_REQUEST' });
});

it.each(['0711-04-28T01%3A21%3A15.840-16%3A23', '0000-01-01', '9999-12-31T23%3A59%3A60Z', '9999-12-31'])(
  'take any time that RFC 3339 has: %s',
  async (knownAt) => {
    const answer = await service.app.inject({
      url: `/v1/lake/incidents?knownAt=${knownAt}`,
      headers: { host: 'localhost:8080' },
    });
    expect([200, 400], answer.body).toContain(answer.statusCode);
  },
);
