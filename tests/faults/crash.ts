import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { execa } from 'execa';
import { freePort } from '#core/platform/ports.ts';
import type { TestKafka } from '#tests/support/kafka.ts';
import { randomOf } from './random.ts';

const roles = ['ingest', 'stream', 'api', 'exchange', 'postgres'] as const;
export type Victim = (typeof roles)[number] | 'broker';

export interface CrashOptions {
  kills: number;
  seed: number;
  speed: number;
  say?: (line: string) => void;
  /** The event log on this broker, which is a victim too. */
  kafka?: TestKafka;
}

export interface CrashResult {
  report: Record<string, number>;
  listings: {
    table: string;
    symbol: string;
    ok: boolean;
    held: number;
    inFiles: number;
    missing: number;
    duplicates: number;
  }[];
  /** Minutes with trades and live candles, by the lake: how many there are, and how many of them are wrong or absent. */
  candles: { minutes: number; complete: number; wrong: number; absent: number };
  /** For each victim, the longest time until it served again, in milliseconds. */
  slowestMs: Record<Victim, number>;
  kills: Record<Victim, number>;
  /** The seed, and a line for each kill. */
  story: string[];
}

/** What a crash run must not show; empty when the proof holds. */
export function problemsOf({ report, listings, candles }: CrashResult): string[] {
  const count = (name: string): number => report[name] ?? 0;
  const accounted = count('committedFromStream') + count('duplicatesDropped') + count('deadLetters');
  const markets = listings.filter(({ table }) => table === 'market.trades');
  const bad = listings.filter((listing) => !listing.ok || listing.missing > 0 || listing.duplicates > 0);
  return [
    ...(report['missing'] === 0 ? [] : [`missing ${report['missing']}`]),
    ...(candles.wrong + candles.absent === 0 && candles.complete > 0 ? [] : [JSON.stringify(candles)]),
    ...(count('committedFromStream') > 0 ? [] : ['nothing was committed']),
    ...(count('tradesReceived') === accounted
      ? []
      : [`received ${report['tradesReceived']}, accounted ${accounted}`]),
    ...(markets.length === marketsCount ? [] : [`${markets.length} markets in the lake`]),
    ...bad.map((listing) => JSON.stringify(listing)),
  ];
}

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const noCandles = { minutes: 0, complete: 0, wrong: 0, absent: 0 };
const recoveryMsMax = 60_000;
/** Markets that `up` captures by default. */
const marketsCount = 10;
const kafkaSessionMs = 6_000;

/**
 * Runs `ticklake up` at high speed, kills its processes with SIGKILL at random instants, lets it end, and says what
 * the report and `lake verify` then find. Every process it starts is gone when it returns.
 */
export async function crashRun(options: CrashOptions): Promise<CrashResult> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-crash-'));
  await chmod(dataDir, 0o755);
  const apiPort = await freePort();
  const random = randomOf(options.seed);
  const story = [`seed ${options.seed}`];
  const victims: readonly Victim[] = options.kafka === undefined ? roles : [...roles, 'broker'];
  const env = { ...process.env, ...(options.kafka === undefined ? {} : kafkaEnvironment(options.kafka)) };
  const up = spawn(
    process.execPath,
    [
      command,
      '--data-dir',
      dataDir,
      '--log-level',
      'info',
      '--json',
      'up',
      '--speed',
      String(options.speed),
      '--port',
      String(apiPort),
    ],
    { stdio: ['ignore', 'pipe', 'pipe'], env },
  );
  const pids = new Map<string, number>();
  const stdout = collect(up);
  watchPids(up, pids);
  const slowestMs: Record<Victim, number> = {
    ...{ ingest: 0, stream: 0, api: 0, exchange: 0, postgres: 0, broker: 0 },
  };
  const kills = { ...slowestMs };
  try {
    const place = { dataDir, apiPort };
    await until('the first commit', up, async () => (await snapshotOf(apiPort)) !== null);
    for (let kill = 0; kill < options.kills; kill++) {
      const victim = victims[Math.floor(random() * victims.length)] ?? 'ingest';
      await sleep(200 + random() * 1_500);
      const pid = victim === 'postgres' ? await postmasterPid(dataDir) : (pids.get(victim) ?? 0);
      const newest = victim === 'stream' ? newestCandle : snapshotOf;
      const before = await newest(apiPort).catch(() => null);
      if (victim === 'broker') await options.kafka?.kill();
      else if (pid > 0) process.kill(pid, 'SIGKILL');
      else throw new Error(`no pid of ${victim} is known`);
      kills[victim]++;
      if (victim === 'broker') await options.kafka?.restart();
      const startedAt = Date.now();
      await until(`${victim} to serve again`, up, () => serves(victim, { ...place, pid }, before));
      const tookMs = Date.now() - startedAt;
      slowestMs[victim] = Math.max(slowestMs[victim], tookMs);
      const line = `kill ${kill + 1} of ${options.kills}: ${victim}, serving again after ${tookMs} ms`;
      story.push(line);
      options.say?.(line);
    }
    up.kill('SIGINT');
    await once(up, 'exit');
    const report = JSON.parse(await stdout) as Record<string, number>;
    const verify = await execa(
      process.execPath,
      [command, '--data-dir', dataDir, '--json', 'lake', 'verify'],
      {
        reject: false,
        env,
        timeout: 120_000,
      },
    );
    const sql = await execa(
      process.execPath,
      [command, '--data-dir', dataDir, 'sql', '--format', 'json', candlesSql],
      { env, timeout: 120_000 },
    );
    return {
      report,
      candles: (JSON.parse(sql.stdout) as CrashResult['candles'][])[0] ?? noCandles,
      listings: JSON.parse(verify.stdout) as CrashResult['listings'],
      slowestMs,
      kills,
      story,
    };
  } finally {
    if (up.exitCode === null && up.signalCode === null) {
      up.kill('SIGKILL');
      await once(up, 'exit');
    }
    await sleep(2_500);
    await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
  }
}

/** A short session, so that a killed worker's partitions are given to the next one soon. */
function kafkaEnvironment(kafka: TestKafka): Record<string, string> {
  return {
    TICKLAKE_KAFKA_BROKERS: kafka.brokers.join(','),
    TICKLAKE_KAFKA_SESSION_TIMEOUT_MS: String(kafkaSessionMs),
  };
}

interface Place {
  dataDir: string;
  apiPort: number;
  /** Who was killed. */
  pid: number;
}

async function serves(victim: Victim, place: Place, before: string | null): Promise<boolean> {
  switch (victim) {
    case 'api':
      return (await fetch(`http://127.0.0.1:${place.apiPort}/health/ready`)).ok;
    case 'exchange': {
      const { url } = JSON.parse(await readFile(join(place.dataDir, 'run', 'exchange.json'), 'utf8')) as {
        url: string;
      };
      return (await fetch(`${url}/api/v3/ping`)).ok;
    }
    case 'postgres':
      return (await postmasterPid(place.dataDir)) !== place.pid && (await snapshotOf(place.apiPort)) !== null;
    case 'stream': {
      const now = await newestCandle(place.apiPort);
      return now !== null && now !== before;
    }
    case 'broker':
    case 'ingest': {
      const now = await snapshotOf(place.apiPort);
      return now !== null && now !== before;
    }
  }
}

/** The newest snapshot of the trades, by the API. */
async function snapshotOf(apiPort: number): Promise<string | null> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/lake/tables`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`the API answers ${answer.status}`);
  const { items } = (await answer.json()) as { items: { name: string; snapshotId: string | null }[] };
  return items.find(({ name }) => name === 'market.trades')?.snapshotId ?? null;
}

/** The newest minute that was said, by the API. */
async function newestCandle(apiPort: number): Promise<string | null> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}/v1/markets/BTCUSDT/candles?interval=1m&limit=1`, {
    signal: AbortSignal.timeout(5_000),
  });
  if (!answer.ok) throw new Error(`the API answers ${answer.status}`);
  const { items } = (await answer.json()) as { items: { openTime: string }[] };
  return items[0]?.openTime ?? null;
}

/** Live candles against a plain aggregation of the trades, minutes that are open at the end left out. */
const candlesSql = `
  with traded as (
    select symbol, time_bucket(interval '1 minute', timestamp) as open_time, count(*) as n, sum(volume) as v,
           arg_min(price, trade_id) as o, max(price) as h, min(price) as l, arg_max(price, trade_id) as c
      from market.trades group by all
  ), said as (select * from market.candles where "interval" = '1m'),
  span as (select symbol, min(open_time) as first, max(open_time) as last from said group by symbol)
  select count(*)::integer as minutes, count(*) filter (said.is_complete)::integer as complete,
         count(*) filter (said.is_complete and (said.trade_count, said.volume, said.open, said.high, said.low,
                          said.close) <> (n, v, o, h, l, c))::integer as wrong,
         count(*) filter (said.symbol is null)::integer as absent
    from traded
    join span on span.symbol = traded.symbol and traded.open_time between span.first and span.last
    left join said on said.symbol = traded.symbol and said.open_time = traded.open_time`;

async function until(what: string, up: ChildProcess, reached: () => Promise<boolean>): Promise<void> {
  const deadline = Date.now() + recoveryMsMax;
  let last: unknown;
  while (Date.now() < deadline) {
    if (up.exitCode !== null) throw new Error(`up ended with ${up.exitCode} while waiting for ${what}`);
    try {
      if (await reached()) return;
      last = undefined;
    } catch (error) {
      last = error;
    }
    await sleep(25);
  }
  throw new Error(`waited ${recoveryMsMax} ms in vain for ${what}`, { cause: last });
}

async function postmasterPid(dataDir: string): Promise<number> {
  return Number((await readFile(join(dataDir, 'postgres', 'postmaster.pid'), 'utf8')).split('\n')[0]);
}

function watchPids(up: ChildProcess, pids: Map<string, number>): void {
  if (up.stderr === null) return;
  createInterface({ input: up.stderr }).on('line', (line) => {
    const started = /"role":"(\w+)","rolePid":(\d+)/.exec(line);
    if (started?.[1] !== undefined) pids.set(started[1], Number(started[2]));
  });
}

async function collect(up: ChildProcess): Promise<string> {
  let text = '';
  up.stdout?.setEncoding('utf8');
  for await (const chunk of up.stdout ?? []) text += String(chunk);
  return text;
}
