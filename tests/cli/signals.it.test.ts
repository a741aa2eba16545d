import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Signal } from '#api/schemas/signals.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { acquirePostgres, type EmbeddedPostgres } from '#core/platform/postgres/embedded.ts';
import { putSignals, signal } from '#tests/api/live-records.ts';
import { runCli } from './support.ts';

const market = { source: 'simulator:42', symbol: 'BTCUSDT', interval: '1m' } as const;
const logger = createLogger({ level: 'silent', name: 'test' });
let dataDir: string;
let postgres: EmbeddedPostgres;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
  postgres = await acquirePostgres(dataDir, logger);
});
afterAll(async () => {
  postgres.release();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function list(...argv: string[]) {
  const found = await runCli(['signals', 'list', ...argv, '--data-dir', dataDir], {
    TICKLAKE_LOG_LEVEL: 'silent',
  });
  return { ...found, signals: () => JSON.parse(found.stdout) as Signal[] };
}

test('signals are listed, all or those asked for', async () => {
  expect(await list()).toMatchObject({ code: 0, stdout: '(none)\n' });
  const url = postgres.urlFor('ingest');
  const database = openDatabase({ url, applicationName: 'test', logger, metrics: new Metrics() });
  await putSignals(database, [
    signal(market, 0),
    signal(market, 60, 'SELL'),
    signal({ ...market, symbol: 'ETHUSDT', interval: '5m' }, 1),
  ]);
  await database.close();

  const all = (await list('--json')).signals();
  expect(all.map(({ openTime }) => openTime.slice(11, 16))).toEqual(['01:00', '00:05', '00:00']);
  const filters = [
    '--symbols',
    'BTCUSDT',
    '--interval',
    '1m',
    '--signal',
    'SELL',
    '--strategy',
    'ma_crossover',
  ];
  expect((await list(...filters, '--json')).signals()).toMatchObject([{ signal: 'SELL', price: '100.125' }]);
  expect((await list('--to', '2026-03-01T00:05:00Z', '--json')).signals()).toHaveLength(1);
  expect((await list('--limit', '2', '--json')).signals()).toHaveLength(2);
  expect((await list('--signal', 'BUY')).stdout).toMatch(
    /2026-03-01T00:05:00\.000000Z +ma_crossover .* ETHUSDT/,
  );
  expect(await list('--signal', 'HOLD')).toMatchObject({ code: 2 });
});
