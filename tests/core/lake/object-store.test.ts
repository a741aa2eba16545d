import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openFileStore, type ObjectStore } from '#core/lake/object-store.ts';

let dir: string;
let warehouse: string;
let store: ObjectStore;
const bytes = new TextEncoder().encode('first');

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'ticklake-store-'));
  warehouse = join(dir, 'warehouse');
  store = await openFileStore(warehouse);
});

afterEach(async () => {
  await rm(dir, { recursive: true, force: true });
});

describe('the store on a local disk', () => {
  test('gives back what was written, under a URI', async () => {
    const location = `${store.root}/market/trades/metadata/one.json`;
    expect(store.root).toBe(`file://${warehouse}`);
    await store.write(location, bytes);
    expect(new Uint8Array(await store.read(location))).toEqual(bytes);
    expect(await store.exists(location)).toBe(true);
    expect(store.readable(location)).toBe(join(warehouse, 'market/trades/metadata/one.json'));
  });

  test('refuses to write an object twice, and keeps the first', async () => {
    const location = `${store.root}/a/b`;
    await store.write(location, bytes);
    await expect(store.write(location, new TextEncoder().encode('second'))).rejects.toMatchObject({
      code: 'CONFLICT',
    });
    expect(await readFile(join(warehouse, 'a/b'), 'utf8')).toBe('first');
    expect(await readdir(store.stagingDir)).toEqual([]);
  });

  test('lets one of many writers of the same object win', async () => {
    const location = `${store.root}/contested`;
    const outcomes = await Promise.allSettled(
      Array.from({ length: 8 }, (_, writer) =>
        store.write(location, new TextEncoder().encode(String(writer))),
      ),
    );
    const winners = outcomes.flatMap((outcome, writer) => (outcome.status === 'fulfilled' ? [writer] : []));
    expect(winners).toHaveLength(1);
    expect(await readFile(join(warehouse, 'contested'), 'utf8')).toBe(String(winners[0]));
  });

  test.each(['file:', 'file://', 'file:///'])(
    'knows an object by %s and by its plain path',
    async (prefix) => {
      await store.write(`${store.root}/object`, bytes);
      const path = join(warehouse, 'object');
      const slashes = prefix === 'file:///' ? path.slice(1) : path;
      expect(await store.exists(`${prefix}${slashes}`)).toBe(true);
      expect(await store.exists(path)).toBe(true);
    },
  );

  test('reaches nothing outside the warehouse', async () => {
    const secret = join(dir, 'secret');
    await writeFile(secret, 'secret');
    await rm(`${warehouse}-beside`, { force: true });
    const outside = [
      secret,
      `file:${secret}`,
      `file://${secret}`,
      `${warehouse}-beside`,
      `${warehouse}/../secret`,
      `${store.root}/../secret`,
      `${store.root}/%2e%2e/secret`,
      `${store.root}/a/../../secret`,
      'secret',
      '',
    ];
    for (const location of outside) {
      const refused = { code: 'DATA_CORRUPT' };
      await expect(store.read(location), location).rejects.toMatchObject(refused);
      await expect(store.write(location, bytes), location).rejects.toMatchObject(refused);
      await expect(store.remove(location), location).rejects.toMatchObject(refused);
      expect(() => store.readable(location), location).toThrow(expect.objectContaining(refused) as Error);
    }
    expect(await readFile(secret, 'utf8')).toBe('secret');
    expect((await readdir(dir)).sort()).toEqual(['secret', 'warehouse']);
  });

  test('takes in a file that was made beside it', async () => {
    const draft = join(store.stagingDir, 'draft');
    await writeFile(draft, bytes);
    const location = `${store.root}/market/trades/data/date=2026-01-01/one.parquet`;
    await store.publish(draft, location);
    expect(new Uint8Array(await store.read(location))).toEqual(bytes);
    expect(await readdir(store.stagingDir)).toEqual([]);
  });

  test('says that an object is not there, and forgets what was removed', async () => {
    const location = `${store.root}/object`;
    expect(await store.exists(location)).toBe(false);
    await store.write(location, bytes);
    await store.remove(location);
    expect(await store.exists(location)).toBe(false);
    await expect(store.read(location)).rejects.toThrow(/ENOENT/);
  });
});
