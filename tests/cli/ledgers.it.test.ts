import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { barsCsv, day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTimedVenue, type TimedVenue } from '#tests/pipelines/discover-symbols/venue.ts';
import { runCli } from './support.ts';

let dataDir: string;
let folder: string;
let venue: TimedVenue;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
  folder = join(dataDir, 'archive');
  venue = await openTimedVenue(6_300, '2024-03-05T10:00:00Z');
});
afterAll(async () => {
  await venue.close();
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function ticklake(...argv: string[]) {
  const env = { TICKLAKE_EXCHANGE_URL: venue.simulator.url, TICKLAKE_LOG_LEVEL: 'silent' };
  const { code, stdout, stderr } = await runCli([...argv, '--json', '--data-dir', dataDir], env);
  return { code, stderr, value: JSON.parse(stdout) as unknown };
}

test('files of the archive are listed, restated when they were replaced, and refused when they are damaged', async () => {
  const file = day('2024-03-05');
  await put(folder, file, { csv: barsCsv('2024-03-05', 60) });
  await ticklake('klines', 'backfill', '--source', folder);
  const listed = await ticklake('archive', 'list');
  expect(listed.value).toMatchObject([{ source: 'binance', path: file.path, rows: 60, verdict: null }]);
  const same = await ticklake('archive', 'restate', '--source', folder);
  expect(same).toMatchObject({ code: 0, value: { checked: 1, same: 1, restated: [] } });

  await put(folder, file, { csv: barsCsv('2024-03-05', 61) });
  const restated = await ticklake('archive', 'restate', '--source', folder, '--symbols', 'BTCUSDT');
  expect(restated).toMatchObject({
    code: 0,
    value: { restated: [{ file: file.path, added: 1, changed: 0 }] },
  });
  const records = await ticklake('archive', 'list', '--restated');
  expect(records.value).toMatchObject([{ path: file.path, rowsAdded: 1, rowsRemoved: 0 }]);

  await put(folder, file, { zip: Buffer.from('no zip') });
  const damaged = await ticklake('archive', 'restate', '--source', folder);
  expect(damaged).toMatchObject({ code: 1, value: { damaged: [{ file: file.path }] } });
  expect(damaged.stderr).toMatch(/zip/);
});

test('incidents are found and listed', async () => {
  await ticklake('symbols', 'discover', '--top', '2');
  const found = await ticklake('incidents', 'find', '--days', '2');
  expect(found).toMatchObject({ code: 0, value: { source: 'simulator:6300', found: 0, added: 0 } });
  expect(await ticklake('incidents', 'list', '--kind', 'outage')).toMatchObject({ code: 0, value: [] });
});

test.each([[['incidents', 'list', '--kind', 'rain']], [['archive', 'restate', '--files', '0']]])(
  '%j is a usage error',
  async (argv) => {
    expect((await runCli(argv)).code).toBe(2);
  },
);
