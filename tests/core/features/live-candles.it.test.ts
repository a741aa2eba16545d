import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { candlesModel } from '#core/features/candles.ts';
import { LiveCandles } from '#core/features/live-candles.ts';
import { DuckDb, literal } from '#core/lake/duckdb.ts';

let duck: DuckDb;
let batch: DuckDb;
let folder = '';
let live: LiveCandles;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ticklake-live-'));
  const open = () => DuckDb.open({ threads: 1, memoryLimit: '512MB', spillDir: folder });
  [duck, batch] = [await open(), await open()];
});
afterAll(async () => {
  duck.close();
  batch.close();
  await rm(folder, { recursive: true, force: true });
});
beforeEach(async () => {
  live = await LiveCandles.open(duck);
});

const source = 'venue';
const startUs = Date.UTC(2024, 2, 5) * 1_000;
const secondUs = 1_000_000;

interface Tick {
  symbol: string;
  id: number;
  us: number;
  price: string;
  volume: string;
}

function tick(id: number, seconds: number, price = '1', symbol = 'A'): Tick {
  return { symbol, id, us: startUs + Math.round(seconds * secondUs), price, volume: '2' };
}

function relation(trades: readonly Tick[]): string {
  const values = trades.map(
    ({ symbol, id, us, price, volume }) =>
      `(${literal(symbol)}, make_timestamptz(${us}), ${price}::decimal(38, 18), ${volume}::decimal(38, 18), 'buy', ${id}::bigint, ${literal(source)})`,
  );
  return `(from (values ${values.join(', ')}) t(symbol, timestamp, price, volume, side, trade_id, source))`;
}

/** Columns that are told apart by, without the hours of empty bars that only one side can know of. */
const shown = `symbol, "interval" as "of", epoch_us(open_time) as at, open::varchar as open, high::varchar as high,
  low::varchar as low, close::varchar as close, volume::varchar as volume, quote_volume::varchar as quote,
  trade_count::integer as trades, is_filled as filled, is_complete as complete`;

/** Takes trades, closes what is over by the watermark, and notes what was said over what was said before. */
async function come(
  trades: readonly Tick[],
  watermarkUs: number | undefined,
  said = new Map<string, object>(),
): Promise<Map<string, object>> {
  const each = trades.filter(
    ({ symbol, id }, index) =>
      trades.findIndex((other) => other.symbol === symbol && other.id === id) === index,
  );
  if (each.length > 0) await live.takeNew(relation(each));
  const marks = new Map(watermarkUs === undefined ? [] : [[source, watermarkUs]]);
  await live.close('seconds', marks);
  const isAnySaid = await live.close('minutes', marks);
  const rows = !isAnySaid ? [] : await duck.rows(`select ${shown} from live.closed order by all`);
  for (const row of rows) said.set(`${String(row['symbol'])} ${String(row['of'])} ${String(row['at'])}`, row);
  return said;
}

const minutesOf = (said: ReadonlyMap<string, object>) =>
  [...said.values()].filter((bar) => 'of' in bar && bar.of === '1m');

describe('a live bar', () => {
  it('is closed by the trade after it, where its ids prove that none is missing', async () => {
    await come([tick(1, 1), tick(2, 59)], undefined);
    const said = await come([tick(3, 60)], undefined);
    expect(minutesOf(said)).toMatchObject([{ at: String(startUs), trades: 2, complete: false }]);
    const next = await come([tick(4, 120)], undefined);
    expect(minutesOf(next)).toMatchObject([
      { at: String(startUs + 60 * secondUs), trades: 1, complete: true },
    ]);
  });

  it('waits for the trade that is missing, until the watermark is past it; then it is said again', async () => {
    await come([tick(1, 1), tick(2, 61)], undefined);
    expect(minutesOf(await come([tick(4, 121)], undefined))).toEqual([]);
    expect(minutesOf(await come([], startUs + 120 * secondUs))).toMatchObject([
      { trades: 1, complete: false },
    ]);
    expect(minutesOf(await come([tick(3, 119, '7')], undefined))).toMatchObject([
      { trades: 1 },
      { trades: 2, complete: true, close: '7.000000000000000000' },
    ]);
  });

  it('without trades is flat, and proven by the next trade', async () => {
    await come([tick(1, 1), tick(2, 61, '5')], undefined);
    const quiet = await come([], startUs + 240 * secondUs);
    expect(minutesOf(quiet)).toMatchObject([
      { trades: 1, complete: false },
      { trades: 0, filled: true, complete: false, open: '5.000000000000000000' },
      { trades: 0, filled: true, complete: false },
    ]);
    const proven = minutesOf(await come([tick(3, 245)], undefined));
    expect(proven).toMatchObject([{ complete: true, trades: 1 }, { complete: true }, { complete: true }]);
  });

  it('is not filled where ids are missing', async () => {
    await come([tick(1, 1), tick(2, 61)], undefined);
    const said = await come([tick(9, 301), tick(10, 361)], startUs + 400 * secondUs);
    expect(minutesOf(said)).toMatchObject([
      { at: String(startUs + 60 * secondUs), complete: false },
      { at: String(startUs + 300 * secondUs), complete: false },
    ]);
  });

  it('of a market that nobody trades any more is not made for ever', async () => {
    const said = await come([tick(1, 1)], startUs + 3 * 86_400 * secondUs);
    const days = [...said.values()].filter((bar) => 'of' in bar && bar.of === '1d');
    expect(days).toHaveLength(1);
  });

  it('that begins before what was taken is not told', async () => {
    await live.take(relation([tick(1, 3_590), tick(2, 3_610)]));
    const fromUs = startUs + 3_600 * secondUs;
    const point = { floorUs: fromUs, closedUs: fromUs };
    live.resume({ source, symbol: 'A' }, { minutes: point, seconds: point });
    const said = await come([tick(3, 7_201)], undefined);
    const told = [...said.values()].filter((bar) => 'of' in bar && (bar.of === '1h' || bar.of === '2h'));
    expect(told).toMatchObject([{ of: '1h', trades: 1, complete: true }]);
  });

  it('stays complete when a late trade comes to the bar after it, though older bars were forgotten', async () => {
    const minutes = Array.from({ length: 7_500 }, (_, minute) => tick(minute + 1, minute * 60));
    const late = minutes[7_300];
    if (late === undefined) throw new Error('there are 7,500 minutes');
    const atMinute = (minute: number): number => startUs + minute * 60 * secondUs;
    await come(
      minutes.slice(0, 7_440).filter((trade) => trade !== late),
      atMinute(7_440),
    );
    // With these there are so many parts that they are put together, and those of bars that are too old are forgotten.
    await come(minutes.slice(7_440), atMinute(7_500));
    const parts = await duck.rows('select count(*)::integer as n from live.parts');
    expect(Number(parts[0]?.['n'])).toBeLessThan(1_000);
    const said = await come([late], atMinute(7_500));
    expect([...said.values()].filter((bar) => 'of' in bar && bar.of === '4h')).toMatchObject([
      { at: String(atMinute(6_960)), trades: 240, complete: true },
      { at: String(atMinute(7_200)), trades: 240, complete: true },
    ]);
  });

  it('takes no trade of what is forgotten, and none twice', async () => {
    for (let i = 0; i < 40; i++) await come([tick(i + 1, i * 300)], undefined);
    const again = relation([tick(1, 0), tick(40, 39 * 300), tick(41, 40 * 300)]);
    expect([await live.takeNew(again), await live.takeNew(again)]).toEqual([1, 0]);
    await live.forget([{ source, symbol: 'A' }]);
    expect(await live.takeNew(again)).toBe(3);
  });
});

const tape = fc
  .array(
    fc.record({
      gap: fc.oneof(
        { weight: 6, arbitrary: fc.double({ min: 0, max: 40, noNaN: true }) },
        {
          weight: 1,
          arbitrary: fc.double({ min: 60, max: 400, noNaN: true }),
        },
      ),
      price: fc.integer({ min: 1, max: 99 }),
      delay: fc.oneof({ weight: 5, arbitrary: fc.constant(0) }, fc.integer({ min: 1, max: 12 })),
      market: fc.constantFrom('A', 'B'),
      repeated: fc.boolean(),
    }),
    { minLength: 1, maxLength: 60 },
  )
  .map((steps) => {
    const ids = new Map<string, number>();
    let seconds = 0;
    return steps.map(({ gap, price, delay, market, repeated }, index) => {
      seconds += gap;
      const id = (ids.get(market) ?? 100) + 1;
      ids.set(market, id);
      return { tick: tick(id, seconds, String(price), market), place: index + delay, repeated };
    });
  });

describe('trades that come late, out of order and twice', () => {
  it('make the candles that they make in order', async () => {
    await fc.assert(
      fc.asyncProperty(tape, fc.integer({ min: 1, max: 7 }), async (steps, size) => {
        live = await LiveCandles.open(duck);
        const arriving = steps
          .flatMap((step) => (step.repeated ? [step, { ...step, place: step.place + 3 }] : [step]))
          .toSorted((a, b) => a.place - b.place)
          .map((step) => step.tick);
        const said = new Map<string, object>();
        let newest = 0;
        for (let from = 0; from < arriving.length; from += size) {
          const some = arriving.slice(from, from + size);
          newest = Math.max(newest, ...some.map(({ us }) => us));
          await come(some, newest, said);
        }
        const model = await candlesModel(batch, {
          trades: relation(steps.map((step) => step.tick)),
          wholeDays:
            '(select null::varchar as source, null::varchar as symbol, null::date as day where false)',
        });
        const expected = await batch.rows(
          `select ${shown} from (${model}) where epoch_us(close_time) < ${newest} order by all`,
        );
        const known = new Map([...said].filter(([, bar]) => 'of' in bar && bar.of !== '1s' && isKnown(bar)));
        expect([...known.values()].toSorted(byPlace)).toEqual(expected.toSorted(byPlace));
      }),
      { numRuns: 60 },
    );
  });
});

/** Flat bars after the newest trade are said, though a batch does not know them. */
function isKnown(bar: object): boolean {
  return !('filled' in bar && bar.filled === true && 'complete' in bar && bar.complete === false);
}

function byPlace(a: object, b: object): number {
  return JSON.stringify(a) < JSON.stringify(b) ? -1 : 1;
}
