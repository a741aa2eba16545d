import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Benchmark, Figures, Missing } from '#bench/benchmark.ts';
import { appendTape, drainRate, linesOf, newTape, recordsOf, type Tape } from '#bench/support/drain.ts';
import { openBenchRuntime } from '#bench/support/runtime.ts';
import type { Runtime } from '#cli/runtime.ts';
import { tableId, trades } from '#core/lake/tables.ts';
import { acquirePostgres } from '#core/platform/postgres/embedded.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';

const script = join(import.meta.dirname, 'pyiceberg_appends.py');
const symbols = ['BTCUSDT'];
const appendsMsMax = 600_000;

/** Rows of each commit, and how many commits: a default batch of a calm market, and what a busy worker makes. */
const sizes = [
  { name: 'ingest.vs_pyiceberg', rows: 1_000, commits: 100 },
  { name: 'ingest.vs_pyiceberg_100k', rows: 100_000, commits: 10 },
];

/**
 * The same batches, from the log into the lake by one worker, and by a loop of PyIceberg appends: as many commits of
 * as many rows, into a table of the same schema, partition and order, with the catalog in the same Postgres. The loop
 * reads lines from files, checks nothing and keeps no offsets.
 */
export async function vsPyIceberg(): Promise<Benchmark | Missing> {
  const python = await pythonEnvironment();
  if (python === undefined) return { missing: pythonRemedy };
  const runtime = await openBenchRuntime();
  const postgres = await acquirePostgres(runtime.config.dataDir, runtime.logger);

  return {
    lines: sizes.map(({ name }) => ({ name, unit: 'trades/s', peerName: 'PyIceberg append loop' })),
    async round() {
      const figures: Figures[] = [];
      for (const { rows, commits } of sizes) {
        const tape = await newTape(runtime, symbols, rows * commits);
        const ours = await commitRate(runtime, tape, rows);
        const peer = await appendRate(python.python, postgres.tcpUrlFor('owner'), runtime, tape, rows);
        figures.push({ ours, peer });
      }
      return figures;
    },
    async close() {
      postgres.release();
      await runtime.close();
    },
  };
}

/** Every append to the log is one batch of it, and the worker is held to one batch a commit. */
async function commitRate(runtime: Runtime, tape: Tape, rows: number): Promise<number> {
  const before = await countCommits(runtime);
  await appendTape(runtime, tape, rows);
  const rate = await drainRate(runtime, tape, {
    ...{ batchRecords: rows, maxBatchRecords: rows, maxBufferedBytes: 1 },
  });
  const commits = (await countCommits(runtime)) - before;
  if (commits !== tape.tradesPerSymbol / rows) throw new Error(`the worker made ${commits} commits`);
  return rate;
}

async function countCommits(runtime: Runtime): Promise<number> {
  const { rows } = await runtime.connection.database.query<{ commits: number }>(
    'select count(*)::int as commits from lake.commits where table_name = $1',
    [tableId(trades)],
  );
  return rows[0]?.commits ?? 0;
}

async function appendRate(
  python: string,
  url: string,
  runtime: Runtime,
  tape: Tape,
  rows: number,
): Promise<number> {
  const folder = join(runtime.config.dataDir, tape.source);
  await mkdir(folder);
  const files: string[] = [];
  for (const records of recordsOf(tape, rows)) {
    const file = join(folder, `${files.length}.jsonl`);
    await writeFile(file, linesOf(records));
    files.push(file);
  }
  const { stdout } = await execa(python, [script], {
    input: JSON.stringify({
      uri: url.replace(/^postgres(ql)?:/, 'postgresql+psycopg2:'),
      warehouse: `file://${folder}/warehouse`,
      table: `bench.${tape.source.replaceAll('-', '_')}`,
      files,
    }),
    timeout: appendsMsMax,
    env: { PYTHONWARNINGS: 'ignore', PYTHONDONTWRITEBYTECODE: '1' },
  });
  const answer = JSON.parse(stdout.trimEnd().split('\n').at(-1) ?? '') as Record<string, number>;
  if (answer['rows'] !== rows * files.length || answer['snapshots'] !== files.length) {
    throw new Error(`PyIceberg's table is not as expected: ${stdout}`);
  }
  await rm(folder, { recursive: true });
  return (rows * files.length) / (answer['seconds'] ?? Number.NaN);
}
