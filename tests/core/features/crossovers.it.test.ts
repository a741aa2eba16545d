import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { crossoversModel } from '#core/features/crossovers.ts';
import { indicatorsModel } from '#core/features/indicators.ts';
import { DuckDb } from '#core/lake/duckdb.ts';
import { madeBar, minuteUs, putBarsTable, type MadeBar } from '#tests/support/bars-table.ts';
import { hasRecordedBars, putRecordedBars } from '#tests/support/recorded-bars.ts';

let duck: DuckDb;
let folder = '';

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-crossovers-'));
  duck = await DuckDb.open({ threads: 2, memoryLimit: '512MB', spillDir: folder });
});
afterAll(async () => {
  duck.close();
  await rm(folder, { recursive: true, force: true });
});

interface Crossing {
  symbol: string;
  openUs: number;
  signal: string;
}

async function crossingsOf(bars: string): Promise<Crossing[]> {
  const indicators = `(${await indicatorsModel(duck, { bars })})`;
  const sql = await crossoversModel(duck, { indicators });
  const rows = await duck.rows(
    `select symbol, epoch_us(open_time) as us, signal from (${sql}) order by symbol, open_time`,
  );
  return rows.map((row) => ({
    ...{ symbol: String(row['symbol']), openUs: Number(row['us']), signal: String(row['signal']) },
  }));
}

/** Of closes that follow each other: at which of them, and to which side. */
function plainCrossings(closes: readonly number[]): { at: number; signal: string }[] {
  const crossings: { at: number; signal: string }[] = [];
  let side = 0;
  for (let i = 199; i < closes.length; i++) {
    const mean = (n: number): number =>
      closes.slice(i - n + 1, i + 1).reduce((sum, close) => sum + close) / n;
    const [quick, slow] = [mean(50), mean(200)];
    if (Math.abs(quick - slow) <= 1e-12 * slow) continue;
    const now = Math.sign(quick - slow);
    if (side !== 0 && now !== side) crossings.push({ at: i, signal: now > 0 ? 'BUY' : 'SELL' });
    side = now;
  }
  return crossings;
}

it.skipIf(!hasRecordedBars)('crossovers of the recorded daily bars are those of plain loops', async () => {
  await putRecordedBars(duck, 'recorded');
  const rows = await duck.rows('select symbol, open_us, close from recorded order by symbol, open_us');
  const wanted = [...Map.groupBy(rows, (row) => String(row['symbol']))].flatMap(([symbol, bars]) =>
    plainCrossings(bars.map((bar) => Number(bar['close']))).map(({ at, signal }) => ({
      ...{ symbol, signal, openUs: Number(bars[at]?.['open_us']) },
    })),
  );
  expect(wanted.length).toBeGreaterThan(250);
  expect(await crossingsOf('recorded')).toEqual(wanted);
});

function along(prices: readonly number[]): MadeBar[] {
  return prices.map((price, i) => madeBar(prices[i - 1] ?? price, price));
}

/** Closes that stay at a price, for so many bars. */
function at(price: number, bars: number): number[] {
  return new Array<number>(bars).fill(price);
}

it('a crossover is told once, whatever lies between the sides', async () => {
  // The averages meet on the way, and rounding must not make a crossing of a flat price.
  const closes = [...at(0.1, 150), ...at(0.2, 60), ...at(0.1, 400), ...at(0.3, 300), ...at(0.05, 300)];
  await putBarsTable(duck, 'made', [{ source: 'made', symbol: 'A', bars: along(closes) }]);
  const found = await crossingsOf('made');
  const [first] = await duck.rows('select min(open_us) as us from made');
  expect(
    found.map(({ openUs, signal }) => ({ at: (openUs - Number(first?.['us'])) / minuteUs, signal })),
  ).toEqual(plainCrossings(closes));
  expect(found.map(({ signal }) => signal)).toEqual(['SELL', 'BUY', 'SELL']);
});

it('what was before a missing bar is no side to cross from', async () => {
  const down = along([...at(2, 150), ...at(1, 100)]);
  const up = along([...at(1, 150), ...at(2, 100)]);
  await putBarsTable(duck, 'made', [{ source: 'made', symbol: 'A', bars: [...down, undefined, ...up] }]);
  expect(await crossingsOf('made')).toEqual([]);
});
