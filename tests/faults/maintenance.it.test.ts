import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, onTestFinished, test, vi } from 'vitest';
import { query } from '#core/lake/engine.ts';
import { openLake } from '#core/lake/lake.ts';
import { sweepOrphans } from '#core/lake/orphans.ts';
import { klines } from '#core/lake/tables.ts';
import { verifyTable } from '#core/lake/verify.ts';
import { startProgram } from '#tests/core/jobs/harness.ts';
import { putHours } from '#tests/support/hours.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { randomOf } from './random.ts';

const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);
const waiting = { timeout: 60_000, interval: 20 };
const symbols = ['BTCUSDT', 'ETHUSDT'];
let lake: TestLake;

beforeAll(async () => {
  lake = await openTestLake();
});
afterAll(async () => {
  await lake.close();
});

/** Eight commits for each market at once: the phase's bars, and those of the phase before with another price. */
async function commitPhase(phase: number): Promise<void> {
  // A reader of its own, whose lease nobody has forgotten.
  const own = openLake(lake.lake);
  const release = await own.leases.hold();
  const load = async (symbol: string): Promise<void> => {
    for (let part = 0; part < 8; part++) {
      const from = phase * 80 + part * 10 - (phase > 0 ? 10 : 0);
      await putHours(
        { lake: own, spillDir: lake.spillDir },
        { symbol, from, to: phase * 80 + part * 10 + 10, price: phase * 8 + part + 1 },
      );
    }
  };
  try {
    await Promise.all(symbols.map(load));
  } finally {
    release();
  }
}

/** As when all who read have gone long ago. */
async function forgetReaders(): Promise<void> {
  await lake.database.query('delete from reads.leases');
}

async function countFiles(): Promise<number> {
  let count = 0;
  for await (const { location } of lake.lake.store.list(lake.lake.locationOf(klines))) {
    if (!location.endsWith('.metadata.json')) count++;
  }
  return count;
}

async function isNoted(): Promise<boolean> {
  return (await lake.database.query('select from lake.retired_files limit 1')).rowCount === 1;
}

test(
  'upkeep that is killed again and again breaks nothing that is committed beside it',
  { timeout: 240_000 },
  async () => {
    const random = randomOf(seed);
    const start = () => {
      const program = startProgram('../../faults/upkeep-program.ts', { url: lake.url, dir: lake.dir });
      onTestFinished(() => program.kill9());
      return program;
    };
    const say = `seed ${seed}`;

    // Among commits, wherever its work is then.
    let upkeep = start();
    const committing = commitPhase(0);
    await Promise.all([committing, vi.waitFor(async () => expect(await isNoted(), say).toBe(true), waiting)]);
    const more = commitPhase(1);
    await sleep(random() * 1_000);
    await upkeep.kill9();
    await more;

    // While it deletes, which it does when nobody reads any more.
    for (const phase of [2, 3]) {
      upkeep = start();
      await commitPhase(phase);
      const before = await countFiles();
      await vi.waitFor(async () => {
        await forgetReaders();
        expect(await countFiles(), say).toBeLessThan(before);
      }, waiting);
      await sleep(random() * 200);
      await upkeep.kill9();
    }

    const { listings, damaged, ok } = await verifyTable(lake.lake, klines, {
      ...{ spillDir: lake.spillDir, deep: true },
    });
    expect({ ok, damaged }, say).toEqual({ ok: true, damaged: [] });
    const bars = 4 * 80;
    expect(listings.map(({ symbol, held, inFiles }) => [symbol, held, inFiles])).toEqual(
      symbols.map((symbol) => [symbol, bars, bars]),
    );

    // What the killed ones left behind, the next sweep finishes.
    await vi.waitFor(async () => {
      await forgetReaders();
      await sweepOrphans(lake.lake, klines, { olderThanMs: 0, remove: true });
      expect(await sweepOrphans(lake.lake, klines, { olderThanMs: 0 }), say).toEqual([]);
    }, waiting);
    expect(await isNoted()).toBe(false);
    const { rows } = await query(
      lake.lake,
      `select symbol, count(*)::integer as bars, count(distinct open_time)::integer as times,
              sum(volume)::integer as volume
         from market.klines group by symbol order by symbol`,
      { spillDir: lake.spillDir },
    );
    expect(rows).toEqual(
      symbols.map((symbol) => ({ symbol, bars, times: bars, volume: (bars * (bars + 1)) / 2 })),
    );
  },
);
