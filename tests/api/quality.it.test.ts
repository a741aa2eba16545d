import { afterAll, beforeAll, expect, it } from 'vitest';
import type { TableQuality, TableQualityList } from '#api/schemas/quality.ts';
import { registerSymbols } from '#pipelines/ingest-trades/symbols.ts';
import { holdTrades } from '#tests/pipelines/build-candles/support.ts';
import { putBars } from '#tests/support/bars.ts';
import { openTestLake, tradeOf, type TestLake } from '#tests/support/lake.ts';
import { openService, source, type Service } from './service.ts';

const dayUs = 86_400_000_000;
const from = Date.parse('2024-03-01T00:00:00Z') * 1_000;
let ground: TestLake;
let service: Service;

beforeAll(async () => {
  ground = await openTestLake();
  const { database } = ground;
  const bar = { open: '1', high: '2', low: '1', close: '2', volume: '1', quoteVolume: '1', trades: 1 };
  const bars = [0, 1, 3].map((day) => ({ ...bar, openUs: from + day * dayUs }));
  const span = { lo: from, hi: from + 4 * dayUs };
  await putBars(ground, { source, listing: 'BTCUSDT#1', interval: '1d', bars, span });
  await holdTrades(
    ground,
    [1, 2, 3].map((id) => tradeOf(source, 'ETHUSDT', id)),
  );
  await registerSymbols(database, source, []);
  await database.query(
    `insert into ingest.venues (source, time_us) values ($1, $2)
     on conflict (source) do update set time_us = excluded.time_us`,
    [source, from + 4 * dayUs + 90_000_000],
  );
  const { rows } = await database.query<{ commit_id: string }>('select commit_id from lake.commits limit 1');
  await database.query(
    `insert into quality.published (table_name, "interval", commit_id, sources, sql_sha256, project_sha256)
     values ('features.indicators', '1d', $1, '{"market.klines": 0, "market.candles": 0}', 'x', 'x')`,
    [rows[0]?.commit_id],
  );
  await database.query(
    `insert into quality.tests (test, relation, "column", status, severity, failures, examples, message, run_id, failing_since)
     values ('not_null_close', 'features.indicators', 'close', 'fail', 'error', 2, '[{"symbol": "BTCUSDT"}]', 'Got 2 results',
             gen_random_uuid(), now()),
            ('not_null_open', 'features.indicators', 'open', 'pass', 'error', 0, '[]', null, gen_random_uuid(), null),
            ('is_near', 'intermediate.int_bars', null, 'warn', 'warn', 1, '[]', 'Got 1 result', gen_random_uuid(), now())`,
  );
  service = await openService(ground);
});
afterAll(async () => {
  await service?.close();
  await ground?.close();
});

it('tells how fresh, complete and well tested each table is, with the rights of the API', async () => {
  const answer = await service.app.inject({ url: '/v1/lake/quality', headers: { host: 'localhost:8080' } });
  expect(answer.statusCode, answer.body).toBe(200);
  const { items, nextCursor } = answer.json<TableQualityList>();
  expect(nextCursor).toBeNull();
  const tables = new Map<string, TableQuality>(items.map((item) => [item.table, item]));
  expect([...tables.keys()]).toEqual(
    expect.arrayContaining([
      'market.trades',
      'market.klines',
      'features.indicators',
      'intermediate.int_bars',
    ]),
  );
  expect(tables.get('market.klines')).toMatchObject({
    ...{ state: 'ok', published: [], tests: { pass: 0, warn: 0, fail: 0 } },
    freshness: [{ source, interval: '1d', newest: '2024-03-05T00:00:00.000000Z', ageSeconds: 90 }],
    coverage: { expected: 4, held: 3, explained: 0, missing: 1 },
  });
  expect(tables.get('market.trades')).toMatchObject({
    freshness: [{ source, interval: null, newest: '2024-08-08T23:54:14.003000Z', ageSeconds: 0 }],
    coverage: { held: 3, missing: 0 },
  });
  expect(tables.get('features.indicators')).toMatchObject({
    ...{ state: 'blocked', coverage: null, freshness: [], tests: { pass: 1, warn: 0, fail: 1 } },
    published: [{ interval: '1d', behind: 1 }],
    failures: [{ test: 'not_null_close', column: 'close', failures: 2, examples: [{ symbol: 'BTCUSDT' }] }],
  });
  expect(tables.get('intermediate.int_bars')).toMatchObject({ state: 'warn', tests: { warn: 1, fail: 0 } });
});
