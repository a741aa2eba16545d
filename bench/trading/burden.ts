/** What keeps a machine busy beside trading, until it is killed: `hash`, a loop that never waits, or `transform`, the indicators over and over. */
import { createHash } from 'node:crypto';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { indicatorsModel } from '#core/features/indicators.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { putWalks } from '../transform/walks.ts';

const markets = 10;
const barsPerMarket = 50_000;
/** Some hundredths of a second. */
const hashesPerTurn = 20_000;

// Who started it may be gone.
process.on('disconnect', () => process.exit());

const [, , kind, spillDir = ''] = process.argv;
if (kind === 'hash') {
  process.send?.('busy');
  for (let hash = Buffer.alloc(32); ;) {
    for (let of = 0; of < hashesPerTurn; of++) hash = createHash('sha256').update(hash).digest();
    await nextTurn();
  }
}
const duck = await DuckDb.open({ threads: 1, memoryLimit: '1GB', spillDir });
await putWalks(duck, 'bars', markets, barsPerMarket);
const sql = await indicatorsModel(duck, { bars: 'bars' });
process.send?.('busy');
for (;;) await duck.run(`create or replace table made as ${sql}`);
