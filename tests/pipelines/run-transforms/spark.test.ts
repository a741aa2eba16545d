import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { candles, klines } from '#core/lake/tables.ts';
import { madeSpark, openSpark } from '#pipelines/run-transforms/spark/environment.ts';
import { sparkRelation } from '#pipelines/run-transforms/spark/tables.ts';

const catalog = { name: 'lake', uri: 'jdbc:postgresql://localhost/x', user: '', password: '', warehouse: '' };
let cacheDir = '';

beforeAll(async () => {
  cacheDir = await mkdtemp(join(tmpdir(), 'ticklake-spark-'));
});
afterAll(() => rm(cacheDir, { recursive: true, force: true }));

describe('without Java', () => {
  const env = { PATH: '/nowhere' };

  it('Spark is refused, with what to install', async () => {
    await expect(openSpark({ cacheDir, env })).rejects.toMatchObject({
      ...{ code: 'UNAVAILABLE', message: expect.stringContaining('Java 17') as string },
      remedy: expect.stringContaining('--target duckdb') as string,
    });
  });

  it('there is none, whatever else has been made', async () => {
    expect(await madeSpark({ cacheDir, env })).toBeUndefined();
  });
});

describe('what Spark reads of a table', () => {
  it('is a snapshot of it, of bars that are revised the latest revisions', () => {
    const sql = sparkRelation(catalog, { table: candles, snapshotId: 7, where: `bars."interval" = '1d'` });
    expect(sql).toContain(`from "lake".market.candles version as of 7 as bars where bars."interval" = '1d'`);
    expect(sql).toContain('order by "revision" desc) as nth');
    expect(sparkRelation(catalog, { table: klines, snapshotId: 7 })).not.toContain('row_number');
  });

  it('is nothing where nothing was committed by then', () => {
    expect(sparkRelation(catalog, { table: klines, snapshotId: null })).toMatch(
      /market\.klines as bars where false$/,
    );
  });
});
