import { setTimeout as sleep } from 'node:timers/promises';
import type { TestKafka } from '#tests/support/kafka.ts';
import { randomOf } from './random.ts';
import { startUp, type UpProcess } from './up-process.ts';

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
  /** The seed, a line for each kill, and what the processes said at last. */
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

const noCandles = { minutes: 0, complete: 0, wrong: 0, absent: 0 };
/** Markets that `up` captures by default. */
const marketsCount = 10;
const kafkaSessionMs = 6_000;

/**
 * Runs `ticklake up` at high speed, kills its processes with SIGKILL at random instants and once more as it is told to end, and says
 * what the report and `lake verify` then find. Every process it starts is gone when it returns.
 */
export async function crashRun(options: CrashOptions): Promise<CrashResult> {
  const random = randomOf(options.seed);
  const story = [`seed ${options.seed}`];
  const victims: readonly Victim[] = options.kafka === undefined ? roles : [...roles, 'broker'];
  const env = options.kafka === undefined ? {} : kafkaEnvironment(options.kafka);
  const slowestMs: Record<Victim, number> = {
    ...{ ingest: 0, stream: 0, api: 0, exchange: 0, postgres: 0, broker: 0 },
  };
  const kills = { ...slowestMs };
  const up = await startUp({ speed: options.speed, env });
  const { apiPort } = up;
  try {
    await up.until('the first commit', async () => (await snapshotOf(apiPort)) !== null);
    for (let kill = 0; kill < options.kills; kill++) {
      const victim = victims[Math.floor(random() * victims.length)] ?? 'ingest';
      await sleep(200 + random() * 1_500);
      const pid = victim === 'broker' ? 0 : await up.pidOf(victim);
      if (victim === 'broker') await options.kafka?.kill();
      else process.kill(pid, 'SIGKILL');
      kills[victim]++;
      if (victim === 'broker') await options.kafka?.restart();
      const startedAt = Date.now();
      let before: string | null = null;
      if (victim === 'ingest' || victim === 'stream' || victim === 'broker') {
        // What the killed process had all but done may show only now: what counts comes after it.
        await up.until(`${victim} to run again`, async () => {
          if (victim !== 'broker' && (await up.pidOf(victim)) === pid) return false;
          before = await (victim === 'stream' ? newestCandle : snapshotOf)(apiPort);
          return true;
        });
      }
      await up.until(`${victim} to serve again`, () => serves(victim, up, pid, before));
      const tookMs = Date.now() - startedAt;
      slowestMs[victim] = Math.max(slowestMs[victim], tookMs);
      const line = `kill ${kill + 1} of ${options.kills}: ${victim}, serving again after ${tookMs} ms`;
      story.push(line);
      options.say?.(line);
    }
    // It ends while what it needs to end well is away for a moment.
    story.push(`told to end as ${options.kafka === undefined ? 'Postgres' : 'the broker'} is killed`);
    const [report] = await Promise.all([up.end(), killAtTheEnd(up, options.kafka)]);
    const verify = await up.run(['--json', 'lake', 'verify'], { reject: false });
    const candles = await up.run(['sql', '--format', 'json', candlesSql]);
    story.push('it said at last:', ...up.said());
    return {
      report,
      candles: (JSON.parse(candles) as CrashResult['candles'][])[0] ?? noCandles,
      listings: JSON.parse(verify) as CrashResult['listings'],
      slowestMs,
      kills,
      story,
    };
  } finally {
    await up.close();
  }
}

async function killAtTheEnd(up: UpProcess, kafka: TestKafka | undefined): Promise<void> {
  if (kafka === undefined) return void process.kill(await up.pidOf('postgres'), 'SIGKILL');
  await kafka.kill();
  await kafka.restart();
}

/** A short session, so that a killed worker's partitions are given to the next one soon. */
function kafkaEnvironment(kafka: TestKafka): Record<string, string> {
  return {
    TICKLAKE_KAFKA_BROKERS: kafka.brokers.join(','),
    TICKLAKE_KAFKA_SESSION_TIMEOUT_MS: String(kafkaSessionMs),
  };
}

async function serves(
  victim: Victim,
  up: UpProcess,
  killed: number,
  before: string | null,
): Promise<boolean> {
  const { apiPort } = up;
  switch (victim) {
    case 'api':
      return (await fetch(`http://127.0.0.1:${apiPort}/health/ready`)).ok;
    case 'exchange':
      return (await fetch(`${await up.exchangeUrl()}/api/v3/ping`)).ok;
    case 'postgres':
      return (await up.pidOf('postgres')) !== killed && (await snapshotOf(apiPort)) !== null;
    case 'stream': {
      const now = await newestCandle(apiPort);
      return now !== null && now !== before;
    }
    case 'broker':
    case 'ingest': {
      const now = await snapshotOf(apiPort);
      return now !== null && now !== before;
    }
  }
}

/** What the API answers from what is there now: its last answer, which it gives while Postgres is away, does not count. */
async function ask(apiPort: number, path: string): Promise<unknown> {
  const answer = await fetch(`http://127.0.0.1:${apiPort}${path}`, { signal: AbortSignal.timeout(5_000) });
  if (!answer.ok || answer.headers.has('age')) throw new Error(`the API answers ${answer.status}`);
  return await answer.json();
}

/** The newest snapshot of the trades, by the API. */
async function snapshotOf(apiPort: number): Promise<string | null> {
  const { items } = (await ask(apiPort, '/v1/lake/tables')) as {
    items: { name: string; snapshotId: string | null }[];
  };
  return items.find(({ name }) => name === 'market.trades')?.snapshotId ?? null;
}

/** The newest minute that was said, by the API. */
async function newestCandle(apiPort: number): Promise<string | null> {
  const { items } = (await ask(apiPort, '/v1/markets/BTCUSDT/candles?interval=1m&limit=1')) as {
    items: { openTime: string }[];
  };
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
