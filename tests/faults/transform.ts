import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { query } from '#core/lake/engine.ts';
import { featureTables } from '#core/lake/feature-tables.ts';
import { createLake } from '#core/lake/create.ts';
import type { Lake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { sweepOrphans } from '#core/lake/orphans.ts';
import { tableId } from '#core/lake/tables.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase } from '#core/platform/postgres/connect.ts';
import { bringBars, dayOf, dayUs } from '#tests/pipelines/run-transforms/support.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';
import { randomOf } from './random.ts';

export interface TransformCrashOptions {
  kills: number;
  seed: number;
  say?: (line: string) => void;
}

const victims = ['command', 'dbt'] as const;
type Victim = (typeof victims)[number];

export interface TransformCrashResult {
  kills: Record<Victim, number>;
  /** What went against the promise; empty when the proof holds. */
  problems: string[];
  figures: { rows: number; seconds: number; endedBefore: number };
  story: string[];
}

interface Ground {
  lake: Lake;
  spillDir: string;
  dataDir: string;
  env: Record<string, string>;
}

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT'];
const from = dayOf('2023-01-01');
const daysAtFirst = 260;
const hoursAtFirst = 1_200;
const runMsMax = 300_000;
const goneMsMax = 30_000;
/** Runs that end before they are killed are begun again, at most so often for each kill. */
const triesMax = 5;

/**
 * Runs `ticklake transform run` again and again while bars come, and kills it or the dbt it has started with SIGKILL at a
 * random instant. Says where a mart was neither as before nor as it should be, and what was left behind.
 */
export async function transformCrashRun(options: TransformCrashOptions): Promise<TransformCrashResult> {
  const startedMs = Date.now();
  const random = randomOf(options.seed);
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-transform-crash-'));
  await chmod(dataDir, 0o755);
  await putMadeDatabase(dataDir);
  const env = { TICKLAKE_DATA_DIR: dataDir, TICKLAKE_LOG_LEVEL: 'error' };
  const config = loadConfig({ env });
  const logger = createLogger({ level: 'silent', name: 'test' });
  const metrics = new Metrics();
  const connection = await connectDatabase(config, 'owner', { applicationName: 'proof', logger, metrics });
  const kills: Record<Victim, number> = { command: 0, dbt: 0 };
  const problems: string[] = [];
  const story = [`seed ${options.seed}`];
  let endedBefore = 0;
  try {
    const { database } = connection;
    const store = await openFileStore(config.warehouse);
    const lake = await createLake({ catalogName: config.catalogName, database, store, logger, metrics });
    const ground = { lake, spillDir: join(dataDir, 'proof'), dataDir, env };
    for (const symbol of symbols) {
      await bringBars(ground, { symbol, interval: '1d', fromUs: from, bars: daysAtFirst });
      await bringBars(ground, { symbol, interval: '1h', fromUs: from, bars: hoursAtFirst });
    }
    let runMs = await untilPublished(ground, problems);
    const first = random() < 0.5 ? 0 : 1;
    let before = await rowsOfMarts(ground);
    let days = 0;
    for (let kill = 0, tries = 0; kill < options.kills && tries < options.kills * triesMax; tries++) {
      await bringDay(ground, days++);
      const victim = victims[(first + kill) % victims.length] ?? 'command';
      const afterMs = random() * runMs * (victim === 'dbt' ? 0.5 : 1);
      const startedAt = performance.now();
      const killed = await killOne(ground, victim, afterMs, problems);
      // Runs that make what has changed are shorter than the first.
      if (!killed) runMs = Math.min(runMs, performance.now() - startedAt);
      const line = `${killed ? `kill ${kill + 1} of ${options.kills}` : 'ended before'}: ${victim}, after ${Math.round(afterMs)} ms`;
      story.push(line);
      options.say?.(line);
      if (killed) kills[victim] += 1;
      else endedBefore += 1;
      if (killed) kill++;
      const now = await rowsOfMarts(ground);
      problems.push(
        ...betweenStates(before, now, expectedRows(days)).map((problem) => `${line}: ${problem}`),
      );
      before = now;
    }
    await untilPublished(ground, problems);
    const rows = await rowsOfMarts(ground);
    problems.push(...notAs(rows, expectedRows(days)));
    problems.push(...(await leftBehind(ground)));
    problems.push(...notAs(await rowsOfMarts(ground), rows));
    if (kills.command + kills.dbt < options.kills)
      problems.push('too many runs ended before they were killed');
    const seconds = Math.round((Date.now() - startedMs) / 1_000);
    return { kills, problems, story, figures: { rows: sum(rows), seconds, endedBefore } };
  } finally {
    await connection.close();
    await sleep(2_500);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

/** A new day of one market's bars, and a bar of long ago that is restated. */
async function bringDay(ground: Ground, day: number): Promise<void> {
  const [symbol = ''] = symbols;
  await bringBars(ground, { symbol, interval: '1d', fromUs: from + (daysAtFirst + day) * dayUs, bars: 1 });
  const hour = { symbol: symbols[1] ?? '', interval: '1h', bars: 1, like: symbols[day % 3] ?? '' } as const;
  await bringBars(ground, { ...hour, fromUs: from + 20 * dayUs });
}

/** Rows of each mart, when all of these days are in it. */
function expectedRows(days: number): Map<string, number> {
  const series = symbols.flatMap((_, i) => [daysAtFirst + (i === 0 ? days : 0), hoursAtFirst]);
  const bars = series.reduce((all, count) => all + count, 0);
  const fullWindows = series.reduce((all, count) => all + Math.max(0, count - 199 - 14), 0);
  return new Map([
    ['features.indicators', bars],
    ['features.indicators_extended', bars],
    ['features.windows', fullWindows],
    ['features.labels', bars],
    ['features.daily_metrics', symbols.length * daysAtFirst + days],
  ]);
}

/** Runs the command to its end; answers how long it took. */
async function untilPublished({ env }: Ground, problems: string[]): Promise<number> {
  const startedMs = performance.now();
  const child = startCommand(env);
  const timer = setTimeout(() => child.kill('SIGKILL'), runMsMax);
  const [code] = (await once(child, 'exit')) as [number | null];
  clearTimeout(timer);
  if (code !== 0) problems.push(`a run that nobody killed has ended with ${String(code)}`);
  return performance.now() - startedMs;
}

/** Runs the command and kills it, or its dbt; false when it ended before. */
async function killOne(
  { env, dataDir }: Ground,
  victim: Victim,
  afterMs: number,
  problems: string[],
): Promise<boolean> {
  const child = startCommand(env);
  const ended = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const isOver = (): boolean => child.exitCode !== null || child.signalCode !== null;
  let pid = victim === 'command' ? child.pid : undefined;
  while (pid === undefined && !isOver()) {
    [pid] = await dbtOf(dataDir);
    await sleep(20);
  }
  await Promise.race([sleep(afterMs), ended]);
  const isThere =
    pid !== undefined && !isOver() && (victim === 'command' || (await dbtOf(dataDir)).includes(pid));
  if (isThere && pid !== undefined) process.kill(pid, 'SIGKILL');
  const [code, signal] = await ended;
  if (isThere && victim === 'dbt' && code !== 75)
    problems.push(`without its dbt the command ended with ${String(code)}`);
  for (const deadline = Date.now() + goneMsMax; (await dbtOf(dataDir)).length > 0; await sleep(50)) {
    if (Date.now() < deadline) continue;
    problems.push('dbt goes on without the command that started it');
    break;
  }
  return victim === 'command' ? signal === 'SIGKILL' : isThere;
}

function startCommand(env: Record<string, string>) {
  return spawn(process.execPath, [command, 'transform', 'run'], {
    env: { ...process.env, ...env },
    stdio: ['ignore', 'ignore', 'ignore'],
  });
}

/** Processes of dbt that work in this data dir. */
async function dbtOf(dataDir: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name));
  const lines = await Promise.all(
    pids.map(async (pid) => [pid, await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')] as const),
  );
  return lines
    .filter(([, line]) => line.includes('run_dbt.py') && line.includes(dataDir))
    .map(([pid]) => Number(pid));
}

async function rowsOfMarts({ lake, spillDir }: Ground): Promise<Map<string, number>> {
  const found = new Map<string, number>();
  for (const table of featureTables) {
    const name = tableId(table);
    const { rows } = await query(
      lake,
      `select count(*) as rows, count(distinct (source, symbol, "interval", open_time)) as keys from ${name}`,
      { spillDir },
    );
    const [rowsHeld, keys] = [Number(rows[0]?.['rows']), Number(rows[0]?.['keys'])];
    found.set(name, rowsHeld === keys ? rowsHeld : Number.NaN);
  }
  return found;
}

function betweenStates(
  before: ReadonlyMap<string, number>,
  now: ReadonlyMap<string, number>,
  after: ReadonlyMap<string, number>,
): string[] {
  return [...now].flatMap(([name, rows]) =>
    // How many crossings there are is not known beforehand: none may be there twice.
    rows === before.get(name) || rows === after.get(name) || (!after.has(name) && !Number.isNaN(rows))
      ? []
      : [`${name} has ${rows} rows, neither ${before.get(name)} nor ${after.get(name)}`],
  );
}

function notAs(found: ReadonlyMap<string, number>, expected: ReadonlyMap<string, number>): string[] {
  return [...expected].flatMap(([name, count]) =>
    found.get(name) === count ? [] : [`${name} has ${found.get(name)} rows instead of ${count}`],
  );
}

/** Folders that a killed run left and the next did not remove, and files that the sweep does not find. */
async function leftBehind({ lake, dataDir }: Ground): Promise<string[]> {
  const folders = (await readdir(join(dataDir, 'tmp'))).filter((name) => name.startsWith('transform'));
  const problems = folders.map((name) => `tmp/${name} was left behind`);
  for (const table of featureTables) {
    const sweep = () => sweepOrphans(lake, table, { olderThanMs: 0, remove: true });
    await sweep();
    // Reads of this process hold files for a while: what is left must be known, at least.
    const { rows } = await lake.database.query<{ path: string }>(
      'select path from lake.retired_files where table_name = $1',
      [tableId(table)],
    );
    const noted = new Set(rows.map(({ path }) => path));
    const left = (await sweep()).filter(({ path, deleted }) => !deleted && !noted.has(path));
    problems.push(...left.map(({ path }) => `${path} was left behind`));
  }
  return problems;
}

function sum(rows: ReadonlyMap<string, number>): number {
  return [...rows.values()].reduce((all, count) => all + count, 0);
}
