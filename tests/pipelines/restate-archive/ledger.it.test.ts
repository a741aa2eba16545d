import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { commitAppend } from '#core/lake/commit.ts';
import { klines } from '#core/lake/tables.ts';
import { rememberArchiveFiles, type TakenFile } from '#pipelines/restate-archive/ledger.ts';
import { day } from '#tests/core/exchanges/binance/archive/support.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

async function take(source: string, taken: Omit<TakenFile, 'file'>): Promise<string> {
  const commitId = randomUUID();
  await commitAppend(lake.lake, {
    ...{ commitId, table: klines, files: [], added: [], days: [], explained: [], offsets: [], summary: {} },
    guard: (tx) => rememberArchiveFiles(tx, source, commitId, [{ file: day('2024-03-05'), ...taken }]),
  });
  return commitId;
}

async function remembered(source: string) {
  const { rows } = await lake.database.query(
    `select f.path, f.kind, f.symbol, f."interval", f.sha256, f.keys::text as keys, f.rows, f.commit_id,
            (select array_agg(v.sha256 order by v.version_id) from lake.archive_versions v
              where v.source = f.source and v.path = f.path) as versions
       from lake.archive_files f where f.source = $1`,
    [source],
  );
  return rows;
}

test('a file is remembered with its hash, and its parts add up', async () => {
  const source = randomUUID();
  await take(source, { sha256: 'a', rows: 2, keys: [{ lo: 0, hi: 20 }] });
  const commit = await take(source, { sha256: 'a', rows: 3, keys: [{ lo: 10, hi: 40 }] });
  await take(source, { sha256: 'a', rows: 3, keys: [{ lo: 10, hi: 40 }] });
  expect(await remembered(source)).toEqual([
    {
      ...{ path: day('2024-03-05').path, kind: 'klines', symbol: 'BTCUSDT', interval: '1m' },
      ...{ sha256: 'a', keys: '{[0,40)}', rows: 3, commit_id: commit, versions: ['a'] },
    },
  ]);
});

test('another hash is kept beside the first one, which stands until the file is restated', async () => {
  const source = randomUUID();
  await take(source, { sha256: 'a', rows: 2, keys: [{ lo: 0, hi: 20 }] });
  await take(source, { sha256: 'b', rows: 1, keys: [{ lo: 0, hi: 10 }] });
  expect(await remembered(source)).toMatchObject([
    { sha256: 'a', keys: '{[0,20)}', rows: 2, versions: ['a', 'b'] },
  ]);
});
