import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { describe, expect, onTestFinished, test } from 'vitest';
import { kafkaMissing, startTestKafka } from '#tests/support/kafka.ts';
import { putMadeDatabase } from '#tests/support/postgres-template.ts';
import { requires } from '#tests/support/require.ts';

const root = resolve(import.meta.dirname, '../..');
const recorded = join(
  process.env['TICKLAKE_MARKET_DATA'] ?? resolve(root, '../shared/market-data'),
  'streams',
);
const present = existsSync(recorded);
const noKafka = await kafkaMissing();

/** The recorded tape: contiguous ids, as its README says. */
const tape = [
  { symbol: 'BTCUSDT', lo: 3_735_683_259, hi: 3_735_703_162 },
  { symbol: 'ETHUSDT', lo: 1_520_538_925, hi: 1_520_553_439 },
];
const total = 34_419;
/** Live candles beside a plain aggregation of the trades: the first minute of each market has no trade before it. */
const candlesSql = `
  with traded as (
    select symbol, time_bucket(interval '1 minute', timestamp) as open_time, count(*) as n, sum(volume) as v,
           arg_min(price, trade_id) as o, max(price) as h, min(price) as l, arg_max(price, trade_id) as c
      from market.trades group by all
  )
  select count(*)::integer as minutes,
         count(*) filter ((trade_count, volume, open, high, low, close) = (n, v, o, h, l, c))::integer as same,
         count(*) filter (is_complete)::integer as complete
    from market.candles join traded using (symbol, open_time) where "interval" = '1m'`;

// Recorded data is not part of the project and nothing installs it: without it these are counted as skipped.
describe.skipIf(!present)('the recorded tape', () => {
  describe('on the embedded log', () => {
    replayTwice(() => Promise.resolve({}));
  });

  const options = requires(noKafka === undefined, 'a Kafka broker', noKafka ?? '');
  describe('on Kafka', options, () => {
    replayTwice(async () => {
      const kafka = await startTestKafka();
      onTestFinished(() => kafka?.close(), 30_000);
      return { TICKLAKE_KAFKA_BROKERS: kafka?.brokers.join(',') ?? '' };
    });
  });
});

/** All of it is made anew where the test is tried again: what an attempt has left would be found as duplicates. */
function replayTwice(environment: () => Promise<Record<string, string>>): void {
  test('is committed exactly once, and a second replay adds nothing', { timeout: 440_000 }, async () => {
    const env = await environment();
    const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-replay-'));
    onTestFinished(async () => {
      await new Promise((done) => setTimeout(done, 2_500));
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    }, 30_000);
    await chmod(dataDir, 0o755);
    await putMadeDatabase(dataDir);
    const ticklake = async (...args: string[]): Promise<unknown> => {
      const { stdout } = await execa(
        process.execPath,
        [join(root, 'cli/ticklake.js'), '--data-dir', dataDir, '--log-level', 'warn', '--json', ...args],
        { env, timeout: 150_000 },
      );
      return JSON.parse(stdout) as unknown;
    };
    const files = (await readdir(recorded))
      .filter((name) => name.endsWith('.gz'))
      .map((name) => join(recorded, name));
    expect(await ticklake('trades', 'replay', ...files)).toMatchObject({
      tradesReceived: total,
      committedFromStream: total,
      duplicatesDropped: 0,
      deadLetters: 0,
      missing: 0,
    });
    expect(await ticklake('trades', 'replay', ...files)).toMatchObject({
      tradesReceived: total,
      committedFromStream: 0,
      duplicatesDropped: total,
      missing: 0,
    });
    expect(await ticklake('lake', 'verify', 'market.trades')).toMatchObject(
      tape.map(({ symbol, lo, hi }) => ({
        symbol,
        ok: true,
        held: hi - lo + 1,
        inFiles: hi - lo + 1,
        duplicates: 0,
      })),
    );
    const verdicts = (await ticklake('lake', 'verify', 'market.candles')) as { ok: boolean }[];
    expect(verdicts.length).toBeGreaterThan(0);
    expect(verdicts.filter(({ ok }) => !ok)).toEqual([]);
    expect(await ticklake('sql', candlesSql)).toEqual([{ minutes: 22, same: 22, complete: 20 }]);
    const sql =
      'select symbol, min(trade_id) lo, max(trade_id) hi from market.trades group by symbol order by symbol';
    expect(await ticklake('sql', sql)).toEqual(
      tape.map(({ symbol, lo, hi }) => ({ symbol, lo: String(lo), hi: String(hi) })),
    );
  });
}
