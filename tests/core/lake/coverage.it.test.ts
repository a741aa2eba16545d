import { randomUUID } from 'node:crypto';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { explainIds, extendCoverage, heldWithin, shrinkCoverage, type IdRange } from '#core/lake/coverage.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

const table = 'market.trades';
const listing = 'BTCUSDT#1';

let postgres: Awaited<ReturnType<typeof startMigratedPostgres>>;
let database: Database;

beforeAll(async () => {
  postgres = await startMigratedPostgres();
  database = openDatabase({
    url: postgres.url,
    applicationName: 'test',
    logger: createLogger({ level: 'silent', name: 'test' }),
    metrics: new Metrics(),
  });
});

afterAll(async () => {
  await database.close();
  await postgres.close();
});

interface Span {
  lo: number;
  hi: number;
}
type Step = { do: 'extend' | 'shrink'; spans: Span[] } | { do: 'explain'; span: Span; cause: string };

/** The ledger as it would be with one entry for each id. */
class Model {
  readonly held = new Set<number>();
  readonly explained = new Map<number, string>();

  /** False, and nothing happens, where some id is held already. */
  extend(spans: readonly Span[]): boolean {
    const added = spans.flatMap(idsOf);
    if (added.some((id) => this.held.has(id))) return false;
    for (const id of added) {
      this.held.add(id);
      this.explained.delete(id);
    }
    return true;
  }

  /** False, and nothing happens, where some id is not held. */
  shrink(spans: readonly Span[]): boolean {
    const removed = spans.flatMap(idsOf);
    if (removed.some((id) => !this.held.has(id))) return false;
    for (const id of removed) this.held.delete(id);
    return true;
  }

  explain(span: Span, cause: string): void {
    for (const id of idsOf(span)) if (!this.held.has(id)) this.explained.set(id, cause);
  }

  /** Each id that is not held, with its cause, or null where there is none. */
  gaps(): Map<number, string | null> {
    const gaps = new Map<number, string | null>(this.explained);
    const span = { lo: Math.min(...this.held), hi: Math.max(...this.held) };
    for (const id of this.held.size === 0 ? [] : idsOf(span)) {
      if (!this.held.has(id) && !gaps.has(id)) gaps.set(id, null);
    }
    return gaps;
  }
}

const anySpan: fc.Arbitrary<Span> = fc
  .tuple(fc.integer({ min: 0, max: 60 }), fc.integer({ min: 1, max: 12 }))
  .map(([lo, length]) => ({ lo, hi: lo + length }));

/** In any order, and disjoint, as one call's are; neighbours may touch. */
const disjointSpans: fc.Arbitrary<Span[]> = fc.array(anySpan, { minLength: 1, maxLength: 4 }).map((spans) => {
  const taken = new Set<number>();
  return spans.filter((span) => {
    const free = idsOf(span).every((id) => !taken.has(id));
    if (free) for (const id of idsOf(span)) taken.add(id);
    return free;
  });
});

const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    disjointSpans.map((spans): Step => ({ do: 'extend', spans })),
    disjointSpans.map((spans): Step => ({ do: 'shrink', spans })),
    anySpan.map(({ lo }): Step => ({ do: 'shrink', spans: [{ lo, hi: lo + 1 }] })),
    fc
      .tuple(anySpan, fc.constantFrom('halted', 'quarantined'))
      .map(([span, cause]): Step => ({ do: 'explain', span, cause })),
  ),
  { minLength: 1, maxLength: 10 },
);

describe('the ledger of coverage', () => {
  test('agrees with a set of ids, whatever is held and explained in whatever order', async () => {
    await fc.assert(
      fc.asyncProperty(steps, async (sequence) => {
        const source = randomUUID();
        const model = new Model();
        for (const step of sequence) await takeStep(source, model, step);
        expect(await coverageOf(source)).toEqual(mergedSpans(model.held));
        expect(await gapsOf(source)).toEqual(model.gaps());
      }),
      { numRuns: 100 },
    );
  }, 180_000);

  test('refuses what is held already, naming how many ranges, and keeps nothing of that call', async () => {
    const source = randomUUID();
    await extend(source, [{ lo: 10, hi: 20 }]);
    for (const overlapping of [
      { lo: 10, hi: 20 },
      { lo: 5, hi: 11 },
      { lo: 19, hi: 25 },
      { lo: 12, hi: 13 },
      { lo: 0, hi: 100 },
    ]) {
      await expect(extend(source, [{ lo: 200, hi: 210 }, overlapping])).rejects.toMatchObject({
        code: 'COVERAGE_OVERLAP',
        message: expect.stringContaining('1 of 2 ranges') as string,
      });
    }
    expect(await coverageOf(source)).toEqual([{ lo: 10, hi: 20 }]);
  });

  test('keeps listings, sources and tables apart', async () => {
    const source = randomUUID();
    const ranges: IdRange[] = [
      { source, listing, lo: 1, hi: 5 },
      { source, listing: 'BTCUSDT#2', lo: 1, hi: 5 },
      { source: `${source}-other`, listing, lo: 1, hi: 5 },
    ];
    await database.transaction((tx) => extendCoverage(tx, table, ranges));
    await database.transaction((tx) => extendCoverage(tx, 'market.other', ranges));
    const found = await heldWithin(database, table, [{ source, listing, lo: 4, hi: 100 }]);
    expect(found).toEqual([{ ...ranges[0], interval: '' }]);
    expect(await heldWithin(database, table, [{ source, listing, lo: 5, hi: 100 }])).toEqual([]);
  });

  test('holds ids up to the largest safe integer', async () => {
    const source = randomUUID();
    const hi = Number.MAX_SAFE_INTEGER;
    await extend(source, [{ lo: hi - 10, hi }]);
    await extend(source, [{ lo: 0, hi: 1 }]);
    expect(await coverageOf(source)).toEqual([
      { lo: 0, hi: 1 },
      { lo: hi - 10, hi },
    ]);
  });
});

async function takeStep(source: string, model: Model, step: Step): Promise<void> {
  if (step.do === 'explain') {
    model.explain(step.span, step.cause);
    await explainIds(database, table, [{ source, listing, ...step.span, cause: step.cause, detail: '' }]);
  } else if (step.do === 'shrink') {
    const shrunk = shrink(source, step.spans);
    if (model.shrink(step.spans)) await shrunk;
    else await expect(shrunk).rejects.toMatchObject({ code: 'DATA_CORRUPT' });
  } else if (model.extend(step.spans)) {
    await extend(source, step.spans);
  } else {
    await expect(extend(source, step.spans)).rejects.toMatchObject({ code: 'COVERAGE_OVERLAP' });
  }
}

async function extend(source: string, spans: readonly Span[]): Promise<void> {
  await database.transaction((tx) =>
    extendCoverage(
      tx,
      table,
      spans.map((span) => ({ source, listing, ...span })),
    ),
  );
}

async function shrink(source: string, spans: readonly Span[]): Promise<void> {
  await database.transaction((tx) =>
    shrinkCoverage(
      tx,
      table,
      spans.map((span) => ({ source, listing, ...span })),
    ),
  );
}

async function coverageOf(source: string): Promise<Span[]> {
  const { rows } = await database.query<Span>(
    'select lo, hi from lake.coverage where table_name = $1 and source = $2 order by lo',
    [table, source],
  );
  return rows;
}

async function gapsOf(source: string): Promise<Map<number, string | null>> {
  const { rows } = await database.query<Span & { cause: string | null }>(
    'select lo, hi, cause from lake.gaps where table_name = $1 and source = $2',
    [table, source],
  );
  const entries = rows.flatMap((row) => idsOf(row).map((id): [number, string | null] => [id, row.cause]));
  const gaps = new Map(entries);
  // An id that two rows claim would vanish in the map.
  expect(gaps.size).toBe(entries.length);
  return gaps;
}

function mergedSpans(ids: ReadonlySet<number>): Span[] {
  const spans: Span[] = [];
  for (const id of [...ids].sort((a, b) => a - b)) {
    const last = spans.at(-1);
    if (last?.hi === id) last.hi = id + 1;
    else spans.push({ lo: id, hi: id + 1 });
  }
  return spans;
}

function idsOf({ lo, hi }: Span): number[] {
  return Array.from({ length: hi - lo }, (_, index) => lo + index);
}
