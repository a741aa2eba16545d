import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { indicators } from '#core/lake/feature-tables.ts';
import { loadTable } from '#core/lake/catalog.ts';
import { listSnapshots } from '#core/lake/listing.ts';
import { rollbackTable } from '#core/lake/rollback.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { transformsDir } from '#pipelines/run-transforms/project.ts';
import { failureOf } from '#pipelines/run-transforms/report.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { bringBars, dayOf, dayUs, reportOf, rowsOf, transform } from './support.ts';

const needsDbt = requires((await pythonEnvironment('dbt')) !== undefined, 'dbt', pythonRemedy);
const from = dayOf('2023-01-01');
const days = 95;

describe('the transforms', { ...needsDbt, timeout: 300_000 }, () => {
  let ground: TestLake;
  let project: string;

  beforeAll(async () => {
    ground = await openTestLake();
    project = await mkdtemp(join(tmpdir(), 'ticklake-transforms-'));
    await cp(transformsDir, project, { recursive: true });
    for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
      await bringBars(ground, { symbol, interval: '1h', fromUs: from, bars: 24 * days });
      await bringBars(ground, { symbol, interval: '1d', fromUs: from, bars: days });
    }
  });
  afterAll(async () => {
    await ground?.close();
    await rm(project, { recursive: true, force: true });
  });

  const filesOf = async (): Promise<string[]> => (await currentFiles(ground.lake, indicators)).files;
  const counted = async (): Promise<Record<string, unknown>[]> =>
    await rowsOf(
      ground,
      `select "interval", count(*)::int as rows, count(sma_200)::int as full_windows from features.indicators
        group by all order by all`,
    );

  it('publish a row for every bar, with where it comes from, and nothing when run again', async () => {
    const report = await transform(ground);
    expect(failureOf(report)).toBeUndefined();
    expect(report.bars).toBe(2 * 25 * days);
    expect(report.tests.pass).toBeGreaterThan(0);
    const published = reportOf(report, 'indicators');
    expect(published).toMatchObject({ status: 'published', rows: 2 * 25 * days });
    expect(await counted()).toEqual([
      { interval: '1d', rows: 2 * days, full_windows: 0 },
      { interval: '1h', rows: 2 * 24 * days, full_windows: 2 * (24 * days - 199) },
    ]);
    const { metadata } = await loadTable(ground.lake, indicators);
    const snapshot = metadata.snapshots.find((each) => each['snapshot-id'] === published.snapshotId);
    expect(snapshot?.summary).toMatchObject({
      'ticklake.run-id': report.runId,
      'ticklake.sources': expect.stringMatching(
        /^\{"market.klines":"\d+","market.candles":"none"\}$/,
      ) as string,
      'ticklake.sql-sha256': expect.stringMatching(/^[0-9a-f]{64}$/) as string,
      'ticklake.dbt-invocation-id': expect.stringMatching(/^[0-9a-f-]{36}$/) as string,
      'ticklake.rows-made': String(2 * 25 * days),
    });

    const again = await transform(ground);
    expect(again).toMatchObject({ bars: 0, tests: { pass: 0, fail: 0 } });
    expect(new Set(again.models.map(({ status }) => status))).toEqual(new Set(['unchanged']));
    expect(await listSnapshots(ground.lake, indicators)).toHaveLength(1);
  });

  it('make of a new day that day alone, and write no other file anew', async () => {
    const before = await filesOf();
    const fromUs = from + days * dayUs;
    await bringBars(ground, { symbol: 'BTCUSDT', interval: '1h', fromUs, bars: 24 });
    const report = await transform(ground, { models: ['indicators'] });
    expect(reportOf(report, 'indicators')).toMatchObject({ status: 'published', rows: 24 });
    expect(report.bars).toBe(24 + 1_000);
    const after = await filesOf();
    expect(after).toEqual(expect.arrayContaining(before));
    expect(after).toHaveLength(before.length + 1);
  });

  it('make of a bar that is restated those that remember it, and the same as when all is made anew', async () => {
    const before = await filesOf();
    // From another market's bars, so that it differs.
    const fromUs = from + 20 * dayUs;
    await bringBars(ground, { symbol: 'ETHUSDT', interval: '1h', fromUs, bars: 2, like: 'XRPUSDT' });
    const report = await transform(ground, { models: ['indicators'] });
    expect(reportOf(report, 'indicators')).toMatchObject({ status: 'published', rows: 1_002 });
    const { snapshotId } = reportOf(report, 'indicators');
    const kept = (await filesOf()).filter((file) => before.includes(file));
    // Of four months of hours, the two or three that the rows lie in.
    expect(kept.length).toBeGreaterThanOrEqual(before.length - 3);
    expect(kept.length).toBeLessThan(before.length);

    const whole = await transform(ground, { models: ['indicators'], fullRefresh: true });
    expect(reportOf(whole, 'indicators').rows).toBe(2 * 25 * days + 24);
    const columns = indicators.columns.filter(({ type }) => type === 'double').map(({ name }) => name);
    const rows = (asOf: string) =>
      rowsOf(
        ground,
        `select * from features.indicators order by source, symbol, "interval", open_time`,
        asOf,
      );
    const [parts, all] = [
      await rows(String(snapshotId)),
      await rows(String(reportOf(whole, 'indicators').snapshotId)),
    ];
    expect(parts).toHaveLength(all.length);
    let worst = 0;
    for (const [i, row] of all.entries()) {
      expect(parts[i]?.['open_time']).toBe(row['open_time']);
      for (const column of columns) {
        const [a, b] = [parts[i]?.[column], row[column]];
        if (a === null || b === null) expect(a).toBe(b);
        else worst = Math.max(worst, Math.abs(Number(a) - Number(b)) / Math.max(1, Math.abs(Number(b))));
      }
    }
    expect(worst).toBeLessThan(1e-11);
  });

  it('keep a mart that fails a test as it was, say why, and publish it when it passes', async () => {
    await writeFile(
      join(project, 'tests', 'no_bar_of_the_last_day.sql'),
      `select symbol, open_time from {{ ref('indicators') }}
        where "interval" = '1d' and open_time >= make_timestamptz(${from + days * dayUs})`,
    );
    await bringBars(ground, { symbol: 'BTCUSDT', interval: '1d', fromUs: from + days * dayUs, bars: 2 });
    const before = await loadTable(ground.lake, indicators);
    const report = await transform(ground, { projectDir: project });
    expect(report.models.map(({ name, status }) => [name, status])).toEqual([
      ['indicators', 'blocked'],
      ['indicators_extended', 'published'],
      // Made of indicators.
      ['windows', 'blocked'],
      ['labels', 'published'],
      ['daily_metrics', 'published'],
      ['ma_crossover', 'blocked'],
    ]);
    expect(failureOf(report)).toMatchObject({
      ...{ code: 'TRANSFORM_FAILED', exitCode: 1 },
      message: expect.stringContaining(
        'test no_bar_of_the_last_day of features.indicators failed on 2 rows',
      ) as string,
    });
    expect((await loadTable(ground.lake, indicators)).metadataLocation).toBe(before.metadataLocation);
    const { rows } = await ground.database.query<{ failures: number; examples: object[]; failing: boolean }>(
      `select failures, examples, failing_since is not null as failing from quality.tests
        where test = 'no_bar_of_the_last_day' and relation = 'features.indicators' and status = 'fail'`,
    );
    expect(rows).toMatchObject([{ failures: 2, failing: true }]);
    expect(rows[0]?.examples).toHaveLength(2);
    expect(rows[0]?.examples).toContainEqual(expect.objectContaining({ symbol: 'BTCUSDT' }));

    await rm(join(project, 'tests', 'no_bar_of_the_last_day.sql'));
    const passed = await transform(ground, { projectDir: project });
    expect(passed.models.map(({ name, status, rows }) => [name, status, rows])).toEqual([
      ['indicators', 'published', 2],
      ['indicators_extended', 'unchanged', 0],
      ['windows', expect.any(String), expect.any(Number)],
      ['labels', 'unchanged', 0],
      ['daily_metrics', 'unchanged', 0],
      ['ma_crossover', expect.any(String), expect.any(Number)],
    ]);
    // The test is no more.
    const { rows: left } = await ground.database.query('select 1 from quality.tests where status = $1', [
      'fail',
    ]);
    expect(left).toEqual([]);
  });

  it('make all rows anew of a mart whose SQL is another, though no bar has changed', async () => {
    const settings = await readFile(join(project, 'dbt_project.yml'), 'utf8');
    await writeFile(join(project, 'dbt_project.yml'), settings.replace(/label_cost: .*/, 'label_cost: 0.01'));
    const report = await transform(ground, { projectDir: project, models: ['labels'] });
    expect(report.models).toMatchObject([{ name: 'labels', status: 'published', rows: 2 * 25 * days + 26 }]);
    expect(await rowsOf(ground, 'select distinct cost from features.labels')).toEqual([{ cost: 0.01 }]);
  });

  it('make all of a mart anew that was set back', async () => {
    const [, earlier] = await listSnapshots(ground.lake, indicators);
    await rollbackTable(ground.lake, indicators, String(earlier?.snapshotId));
    const report = await transform(ground, { models: ['indicators'], intervals: ['1d'] });
    expect(reportOf(report, 'indicators')).toMatchObject({ status: 'published', rows: 2 * days + 2 });
  });
});
