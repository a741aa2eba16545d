import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createLogger } from '#core/platform/logging.ts';
import { acquirePostgres, type EmbeddedPostgres } from '#core/platform/postgres/embedded.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { askForeignReaders } from './foreign.ts';
import { totals, type Totals } from './trades-table.ts';

const needsPython = requires(
  (await pythonEnvironment()) !== undefined,
  'Python with PyIceberg',
  pythonRemedy,
);
const command = resolve(import.meta.dirname, '../../cli/ticklake.js');

let dataDir = '';
let postgres: EmbeddedPostgres | undefined;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-engines-'));
  await chmod(dataDir, 0o755);
  await putMadeDatabase(dataDir);
});

afterAll(async () => {
  postgres?.release();
  // The server goes a second after the last who held it.
  await new Promise((done) => setTimeout(done, 2_500));
  await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
}, 30_000);

async function ticklake<T>(...args: string[]): Promise<T> {
  const options = ['--data-dir', dataDir, '--log-level', 'warn', '--json'];
  const { stdout } = await execa(process.execPath, [command, ...options, ...args], { timeout: 120_000 });
  return JSON.parse(stdout) as T;
}

describe('the lake that ingest wrote', { ...needsPython, timeout: 300_000 }, () => {
  it('is the same to PyIceberg, by the catalog and by the metadata file, to DuckDB, and to our SQL', async () => {
    const report = await ticklake<Record<string, number>>(
      'up',
      '--for',
      '10s',
      '--speed',
      '60',
      '--port',
      '0',
    );
    postgres = await acquirePostgres(dataDir, createLogger({ level: 'silent', name: 'test' }));
    const tables = await ticklake<{ name: string; files: number; metadataLocation: string }[]>(
      'lake',
      'tables',
    );
    const trades = tables.find(({ name }) => name === 'market.trades');
    const catalog = await ticklake<Record<string, string>>('lake', 'catalog');
    const questions = {
      all: { where: 'true' },
      one: { where: "symbol = 'ETHUSDT'", rowFilter: "symbol = 'ETHUSDT'" },
    };
    const foreign = await askForeignReaders(trades?.metadataLocation ?? '', questions, {
      name: catalog['catalogName'] ?? '',
      uri: catalog['sqlalchemy'] ?? '',
      warehouse: catalog['warehouse'] ?? '',
      table: 'market.trades',
    });
    for (const [name, { where }] of Object.entries(questions)) {
      const key = name as keyof typeof questions;
      const [ours] = await ticklake<Totals[]>('sql', `select ${totals} from market.trades where ${where}`);
      expect(foreign.static[key].totals, `${name}: PyIceberg, metadata file`).toEqual(ours);
      expect(foreign.catalog?.[key].totals, `${name}: PyIceberg, catalog`).toEqual(ours);
      expect(foreign.duckdb[key].totals, `${name}: DuckDB`).toEqual(ours);
      expect(Number(ours?.['trades'])).toBeGreaterThan(0);
    }
    const committed = (report['committedFromStream'] ?? 0) + (report['repaired'] ?? 0);
    expect(foreign.static.all.totals['trades']).toBe(String(committed));
    expect(foreign.static.all.files).toBe(trades?.files);
  });
});
