import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import type { Benchmark, Missing } from '#bench/benchmark.ts';
import { indicatorsModel } from '#core/features/indicators.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { putWalks } from './walks.ts';

const script = join(import.meta.dirname, 'indicators.py');
const markets = 20;
const barsPerMarket = 500_000;
const peerMsMax = 900_000;

interface Peers {
  /** Bars in a second. */
  talib: number;
  pandas: number;
  /** Sums of columns over all bars, to hold against ours. */
  sums: Record<string, number>;
}

/**
 * All twelve indicators of 10 million bars, from a table of DuckDB into another, by the model's text on two threads: beside
 * TA-Lib over arrays of numpy, and the same by rolling windows of pandas, both with the bars in memory and on one thread.
 */
export async function transformIndicators(): Promise<Benchmark | Missing> {
  const python = await pythonEnvironment('indicators');
  if (python === undefined) return { missing: pythonRemedy };
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-bench-'));
  const duck = await DuckDb.open({ threads: 2, memoryLimit: '4GB', spillDir: folder });
  await putWalks(duck, 'bars', markets, barsPerMarket);
  const closes = join(folder, 'closes.csv');
  const [{ bars } = { bars: 0 }] = await duck.rows('select count(*)::integer as bars from bars');
  await duck.run(`copy (select close from bars order by symbol, open_us) to '${closes}' (header false)`);

  return {
    lines: [
      { name: 'transform.indicators', unit: 'bars/s', peerName: 'TA-Lib over numpy' },
      { name: 'transform.indicators_pandas', unit: 'bars/s', peerName: 'pandas rolling' },
    ],
    async round() {
      const sql = await indicatorsModel(duck, { bars: 'bars' });
      const startedMs = performance.now();
      await duck.run('set preserve_insertion_order = false');
      await duck.run(`create or replace table made as ${sql}`);
      const ours = (Number(bars) * 1_000) / (performance.now() - startedMs);
      const { stdout } = await execa(python.python, [script, closes, String(markets)], {
        timeout: peerMsMax,
      });
      const peers = JSON.parse(stdout) as Peers;
      await expectSums(duck, peers.sums);
      return [
        { ours, peer: peers.talib },
        { ours, peer: peers.pandas },
      ];
    },
    async close() {
      duck.close();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function expectSums(duck: DuckDb, wanted: Peers['sums']): Promise<void> {
  const names = Object.keys(wanted);
  const [sums] = await duck.rows(
    `select ${names.map((name) => `sum(${name}) as ${name}`).join(', ')} from made`,
  );
  for (const name of names) {
    const [ours, theirs] = [Number(sums?.[name]), wanted[name] ?? NaN];
    if (Math.abs(ours - theirs) > 1e-9 * Math.abs(theirs)) {
      throw new Error(`the sum of ${name} is ${ours}, not ${theirs}`);
    }
  }
}
