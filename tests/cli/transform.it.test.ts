import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createLake } from '#core/lake/create.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { loadConfig } from '#core/platform/config.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { TableQuality } from '#core/lake/quality.ts';
import type { TransformReport } from '#pipelines/run-transforms/report.ts';
import { barAt, bringBars, dayOf, dayUs, source } from '#tests/pipelines/run-transforms/support.ts';
import { putBars } from '#tests/support/bars.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { logger, openGround, patient, type Ground } from './ground.ts';
import { runCli } from './support.ts';

const needsDbt = requires((await pythonEnvironment('dbt')) !== undefined, 'dbt', pythonRemedy);
const from = dayOf('2024-01-01');

describe('ticklake transform run', { ...needsDbt, timeout: 300_000 }, () => {
  let ground: Ground;
  let lake: { lake: Awaited<ReturnType<typeof createLake>>; spillDir: string };

  beforeAll(async () => {
    ground = await openGround();
    const env = { TICKLAKE_DATA_DIR: ground.dataDir };
    const config = loadConfig({ env });
    lake = {
      lake: await createLake({
        ...{ catalogName: config.catalogName, database: ground.owner, logger, metrics: new Metrics() },
        store: await openFileStore(config.warehouse),
      }),
      spillDir: `${ground.dataDir}/test`,
    };
    await bringBars(lake, { symbol: 'BTCUSDT', interval: '1d', fromUs: from, bars: 30 });
  });
  afterAll(() => ground?.close());

  it('publishes the marts, and says when nothing has changed', async () => {
    const { code, value } = await ground.ticklake('transform', 'run', '--interval', '1d');
    expect(code).toBe(0);
    const report = value as TransformReport;
    expect(report.tests).toMatchObject({ fail: 0 });
    expect(report.models).toContainEqual(
      expect.objectContaining({ name: 'indicators', status: 'published', rows: 30, because: null }),
    );
    const again = await ground.ticklake('transform', 'run');
    expect(again).toMatchObject({ code: 0, value: { bars: 0, tests: { pass: 0, fail: 0 } } });
    expect(again.stderr).toContain('nothing has changed');
  });

  it('with a failed test ends with 1, says which rows, and keeps the mart as it was', async () => {
    const openUs = from + 30 * dayUs;
    // More was paid for the day's volume than its highest price.
    const bar = { ...barAt('BTCUSDT', openUs, dayUs), quoteVolume: '1000000' };
    await putBars(lake, { source, listing: 'BTCUSDT#1', interval: '1d', bars: [bar] });
    const { code, value, stderr } = await ground.ticklake('transform', 'run');
    expect(code).toBe(1);
    expect(stderr).toMatch(/features\.daily_metrics stayed as before: the test \w+ .* failed on 1 rows/);
    const report = value as TransformReport;
    expect(report.models.filter(({ status }) => status === 'blocked').map(({ name }) => name)).toEqual([
      'daily_metrics',
    ]);
    expect(report.models).toContainEqual(
      expect.objectContaining({ name: 'indicators', status: 'published', rows: 1 }),
    );
    expect(report.failures).toMatchObject([{ relation: 'features.daily_metrics', failures: 1 }]);
    expect(report.failures[0]?.examples[0]).toMatchObject({ symbol: 'BTCUSDT' });
    const rows = await ground.ticklake('sql', 'select count(*)::int as rows from features.daily_metrics');
    expect(rows.value).toEqual([{ rows: 30 }]);

    const quality = (await ground.ticklake('lake', 'quality')).value as TableQuality[];
    const tested = quality.find(({ table }) => table === 'features.daily_metrics');
    expect(tested).toMatchObject({ tests: { fail: 1 }, published: [{ interval: '1d', behind: 1 }] });
    expect(tested?.freshness).toMatchObject([{ source, interval: '1d', newestUs: from + 30 * dayUs }]);
    expect(tested?.failures[0]?.examples).toHaveLength(1);
  });

  it('that is interrupted ends with 130, and leaves the mart as it was', async () => {
    const running = ground.start('transform', 'run');
    await vi.waitFor(() => expect(running.stderr()).toContain('have their inputs'), patient);
    expect(await running.end('SIGINT')).toBe(130);
    expect(running.stderr()).toContain('interrupted');
    const rows = await ground.ticklake('sql', 'select count(*)::int as rows from features.daily_metrics');
    expect(rows.value).toEqual([{ rows: 30 }]);
  });
});

it.each([
  [['transform', 'run', '--interval', '7m'], 2],
  [['transform', 'run', '--target', 'oracle'], 2],
])('%j ends with %i', async (argv, code) => {
  expect((await runCli(argv)).code).toBe(code);
});
