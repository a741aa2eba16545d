import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { createCatalogue } from '#core/jobs/catalogue.ts';
import { hasEnded } from '#core/jobs/follow.ts';
import { openJobs } from '#core/jobs/open.ts';
import { showRun, type RunView } from '#core/jobs/views.ts';
import { query } from '#core/lake/engine.ts';
import { openLake, type Lake } from '#core/lake/lake.ts';
import { openFileStore } from '#core/lake/object-store.ts';
import { klines, trades } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { loadConfig, type Config } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase } from '#core/platform/postgres/connect.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { jobCards } from '#pipelines/catalogue.ts';
import { listGaps } from '#core/lake/gaps.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';
import { randomOf } from './random.ts';
import { startVenueProcess } from './venue.ts';

export interface BackfillCrashOptions {
  kills: number;
  seed: number;
  /** Coins of the universe. */
  top: number;
  /** UTC days back, of daily bars, and of minute bars and trades. */
  dailyDays: number;
  minuteDays: number;
  /** Multiplies the number of the simulator's trades. */
  rate: number;
  say?: (line: string) => void;
}

type Victim = 'scheduler' | 'postgres';

export interface BackfillCrashResult {
  kills: Record<Victim, number>;
  /** What went against the promise; empty when the proof holds. */
  problems: string[];
  figures: {
    partitions: number;
    attempts: number;
    lost: number;
    klines: number;
    trades: number;
    seconds: number;
    weightRefused: number;
  };
  story: string[];
}

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const runMsMax = 20 * 60_000;
/** How soon after it began a partition is interrupted at the latest. */
const momentMsMax = 1_000;
/** Attempts that are let begin between two kills, fewer than so many. */
const attemptsBetween = 3;
const workMsMax = 60_000;
const venueTime = '2024-03-05T00:20:00Z';

/**
 * From an empty lake: discovers, detects and backfills against a simulator, while the scheduler's process and Postgres
 * are killed with SIGKILL at random instants; then says what is incomplete, there twice, or was done again.
 */
export async function backfillCrashRun(options: BackfillCrashOptions): Promise<BackfillCrashResult> {
  const startedMs = Date.now();
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-backfill-crash-'));
  await chmod(dataDir, 0o755);
  await putMadeDatabase(dataDir);
  const venue = await startVenueProcess({
    ...{ seed: options.seed, symbols: options.top * 3, speed: 1, rate: options.rate },
    startTimeUs: Date.parse(venueTime) * 1_000,
    clockFile: join(dataDir, 'simulator.clock.json'),
  });
  const env = {
    TICKLAKE_DATA_DIR: dataDir,
    TICKLAKE_EXCHANGE_URL: venue.url,
    TICKLAKE_EXCHANGE_WS_URL: venue.wsUrl,
    TICKLAKE_LOG_LEVEL: 'warn',
  };
  const config = loadConfig({ env });
  const logger = createLogger({ level: 'silent', name: 'test' });
  const metrics = new Metrics();
  const connection = await connectDatabase(config, 'owner', { applicationName: 'proof', logger, metrics });
  const scheduler = new Scheduler(env);
  const kills: Record<Victim, number> = { scheduler: 0, postgres: 0 };
  const story = [`seed ${options.seed}`];
  try {
    const { database } = connection;
    const jobs = await openJobs({ database, catalogue: createCatalogue(jobCards), logger, metrics });
    const { runId } = await jobs.enqueue({
      job: 'market-history',
      params: {
        ...{ top: options.top, transform: false },
        days: { '1d': options.dailyDays, '1m': options.minuteDays, trades: options.minuteDays },
      },
      requestedBy: 'proof',
    });
    await jobs.close();
    scheduler.start();
    const random = randomOf(options.seed);
    let begun = 0;
    for (let kill = 0; kill < options.kills; kill++) {
      const before = await untilBegun(database, runId, begun + Math.floor(random() * attemptsBetween));
      if (hasEnded(before)) break;
      await sleep(random() * momentMsMax);
      begun = (await attemptsOf(database, runId)).attempts;
      const victim: Victim = random() < 0.75 ? 'scheduler' : 'postgres';
      if (victim === 'scheduler') await scheduler.killAndStart();
      else process.kill(await postmasterPid(dataDir), 'SIGKILL');
      kills[victim]++;
      const line = `kill ${kill + 1} of ${options.kills}: ${victim}, at ${told(before)}`;
      story.push(line);
      options.say?.(line);
    }
    const run = await untilEnded(database, runId, () => scheduler.fault, options.say);
    story.push(`ended ${run.state}, ${told(run)}`);
    const store = await openFileStore(config.warehouse);
    const lake = openLake({ catalogName: config.catalogName, database, store, logger, metrics });
    const answers = await venue.answers();
    const proof = { config, database, lake, source: venue.source };
    const held = await heldOf(proof, options);
    return {
      kills,
      story,
      problems: [
        ...(run.state === 'succeeded' ? [] : [`the run is ${run.state}: ${JSON.stringify(run.error)}`]),
        ...(kills.scheduler + kills.postgres === options.kills ? [] : ['the run ended before all kills']),
        ...(answers.has(418) ? [`the venue has banned us: ${answers.get(418)} answers`] : []),
        ...(await repeated(database, runId)),
        ...(await missing(proof)),
        ...held.problems,
      ],
      figures: {
        ...(await attemptsOf(database, runId)),
        ...{ klines: held.klines, trades: held.trades, weightRefused: answers.get(429) ?? 0 },
        seconds: Math.round((Date.now() - startedMs) / 1_000),
      },
    };
  } finally {
    await scheduler.end();
    await connection.close();
    await venue.close();
    await sleep(2_500);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

/** The role in a process, started again by us when we have killed it. */
class Scheduler {
  readonly #env: Record<string, string>;
  #child: ChildProcess | undefined;
  #killed = false;
  /** Set when it ended though nobody told it to. */
  fault: string | undefined;

  constructor(env: Record<string, string>) {
    this.#env = env;
  }

  start(): void {
    this.#killed = false;
    this.#child = spawn(process.execPath, [command, 'run', 'scheduler'], {
      env: { ...process.env, ...this.#env },
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    this.#child.on('exit', (code) => {
      if (!this.#killed) this.fault = `the scheduler has ended by itself with ${String(code)}`;
    });
  }

  async killAndStart(): Promise<void> {
    await this.#stop('SIGKILL');
    this.start();
  }

  async end(): Promise<void> {
    await this.#stop('SIGTERM');
  }

  async #stop(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    const child = this.#child;
    if (child === undefined || child.exitCode !== null || child.signalCode !== null) return;
    this.#killed = true;
    const ended = once(child, 'exit');
    child.kill(signal);
    await ended;
  }
}

interface Proof {
  config: Config;
  database: Database;
  lake: Lake;
  source: string;
}

/** What Postgres says, however often it was killed just before. */
async function surely<T>(ask: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await ask();
    } catch (error) {
      if (tries >= 100) throw error;
      await sleep(200);
    }
  }
}

/** Workers have begun more attempts than so many, or the run has ended: else there is nothing to interrupt. */
async function untilBegun(database: Database, runId: string, attempts: number): Promise<RunView> {
  for (const deadline = Date.now() + workMsMax; ; await sleep(50)) {
    const run = await surely(() => showRun(database, runId));
    if (hasEnded(run) || (await attemptsOf(database, runId)).attempts > attempts) return run;
    if (Date.now() > deadline) throw new Error(`nobody works: ${told(run)}`);
  }
}

async function untilEnded(
  database: Database,
  runId: string,
  fault: () => string | undefined,
  say: BackfillCrashOptions['say'],
): Promise<RunView> {
  for (const deadline = Date.now() + runMsMax; ; await sleep(1_000)) {
    const run = await surely(() => showRun(database, runId));
    if (hasEnded(run)) return run;
    const why = fault();
    if (why !== undefined) throw new Error(why);
    if (Date.now() > deadline) throw new Error(`the run has not ended: ${told(run)}`);
    say?.(told(run));
  }
}

function told({ partitions, progress }: RunView): string {
  return `${partitions.finished} of ${partitions.total} partitions, ${Math.round((progress ?? 0) * 100)} %`;
}

async function postmasterPid(dataDir: string): Promise<number> {
  for (let tries = 0; tries < 100; tries++, await sleep(100)) {
    const text = await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8').catch(() => '');
    const pid = Number(text.split('\n')[0]);
    if (pid > 0) return pid;
  }
  throw new Error('Postgres does not come back');
}

const ofRun = `run_id in (select run_id from jobs.runs where run_id = $1 or parent_run_id = $1)`;

/** Partitions that were begun again after they had finished, or finished twice. */
async function repeated(database: Database, runId: string): Promise<string[]> {
  const { rows } = await database.query<{ key: string }>(
    `select a.key from jobs.attempts a
       join (select run_id, kind, key, count(*) as times, min(ended_at) as done_at
               from jobs.attempts where outcome = 'finished' and ${ofRun} group by run_id, kind, key) f
         using (run_id, kind, key)
      where f.times > 1 or a.started_at > f.done_at`,
    [runId],
  );
  return rows.map(({ key }) => `${key} was done again`);
}

async function attemptsOf(database: Database, runId: string) {
  return await surely(async () => {
    const { rows } = await database.query<{ partitions: number; attempts: number; lost: number }>(
      `select count(distinct (run_id, key))::int as partitions, count(*)::int as attempts,
              (count(*) filter (where outcome = 'lost'))::int as lost
         from jobs.attempts where kind = 'partition' and ${ofRun}`,
      [runId],
    );
    return rows[0] ?? { partitions: 0, attempts: 0, lost: 0 };
  });
}

async function missing({ database, source }: Proof): Promise<string[]> {
  const gaps = await listGaps(database, { source });
  return gaps.map((gap) => `gap ${JSON.stringify(gap)}`);
}

/**
 * What the tables hold, by their files: nothing twice, the ledger's ranges, as many symbols and days as were asked for,
 * and of each whole day as many trades and as much volume as the venue's own daily bar says.
 */
async function heldOf(proof: Proof, { top, dailyDays, minuteDays }: BackfillCrashOptions) {
  const { lake, config, source } = proof;
  const spillDir = join(config.dataDir, 'tmp', 'proof');
  const ask = async (sql: string) => (await query(lake, sql, { spillDir })).rows;
  const problems: string[] = [];
  for (const table of [klines, trades]) {
    const { ok, listings } = await verifyTable(lake, table, { spillDir });
    if (!ok) problems.push(...listings.filter((one) => !one.ok).map((one) => JSON.stringify(one)));
  }
  const bars = await ask(
    `select symbol, "interval", count(*) as bars, count(distinct open_time) as different
       from market.klines where source = '${source}' group by all`,
  );
  const wholeMinutes = minuteDays * 1_440;
  for (const { symbol, interval, bars: count, different } of bars) {
    const [rows, least] = [Number(count), interval === '1d' ? dailyDays : wholeMinutes];
    if (rows !== Number(different)) problems.push(`${String(symbol)} ${String(interval)} has bars twice`);
    // A coin that was listed later has fewer days; the gaps say whether they are all.
    if (rows < least && interval === '1m') problems.push(`${String(symbol)} has ${rows} minutes of ${least}`);
    if (rows > least && interval === '1d') problems.push(`${String(symbol)} has ${rows} days of ${least}`);
  }
  if (bars.length !== 2 * top) problems.push(`${bars.length} series of bars of ${2 * top}`);
  const days = await ask(
    `select t.symbol, t.date, t.trades, t.different, k.trade_count, t.volume = k.volume as same_volume
       from (select symbol, date, count(*) as trades, count(distinct trade_id) as different, sum(volume) as volume
               from market.trades where source = '${source}' group by all) t
       join market.klines k on k.source = '${source}' and k.symbol = t.symbol and k."interval" = '1d' and k.date = t.date`,
  );
  if (days.length !== top * minuteDays)
    problems.push(`${days.length} whole days of trades of ${top * minuteDays}`);
  for (const day of days) {
    const agrees = day['trades'] === day['trade_count'] && day['trades'] === day['different'];
    if (!agrees || day['same_volume'] !== true)
      problems.push(`trades are not the bar's: ${JSON.stringify(day)}`);
  }
  const [totals] = await ask(
    `select (select count(*) from market.klines) as bars, (select count(*) from market.trades) as trades`,
  );
  return { problems, klines: Number(totals?.['bars']), trades: Number(totals?.['trades']) };
}
