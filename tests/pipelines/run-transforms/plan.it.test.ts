import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, beforeEach, expect, it } from 'vitest';
import type { IdRange } from '#core/lake/coverage.ts';
import { tableId } from '#core/lake/tables.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { martsNamed, warmUpBars, type Mart } from '#pipelines/run-transforms/marts.ts';
import { isDue, planMarts, type MartPlan } from '#pipelines/run-transforms/plan.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { bringBars, dayOf, dayUs, source } from './support.ts';

const from = dayOf('2024-01-01');
const hourUs = 3_600_000_000;
const symbols = ['BTCUSDT', 'ETHUSDT'];
let ground: TestLake;

beforeAll(async () => {
  ground = await openTestLake();
  for (const symbol of symbols) {
    await bringBars(ground, { symbol, interval: '1d', fromUs: from, bars: 3 });
    await bringBars(ground, { symbol, interval: '1h', fromUs: from, bars: 3 });
  }
});
afterAll(() => ground.close());

/** Each test begins with marts that are of the newest state. */
beforeEach(async () => {
  await ground.database.query('delete from quality.published');
  for (const { table } of martsNamed(undefined)) {
    const commitId = await commit(tableId(table), 'overwrite');
    await ground.database.query(
      `insert into quality.published (table_name, "interval", commit_id, sources, sql_sha256, project_sha256)
       select $1, unnest(array['1h', '1d']), $2, jsonb_object_agg(t.name, t.seq), 'of the SQL', 'of the files'
         from (select name, coalesce((select max(seq) from lake.commits where table_name = name), 0) as seq
                 from unnest(array['market.klines', 'market.candles']) as name) t`,
      [tableId(table), commitId],
    );
  }
});

/** Writes a commit into the ledger, as other programs and other parts of ours do. */
async function commit(
  table: string,
  operation: string,
  ranges: { added?: IdRange[]; removed?: IdRange[]; revised?: IdRange[] } = {},
): Promise<string> {
  const commitId = randomUUID();
  await ground.database.query(
    `insert into lake.commits (commit_id, table_name, operation, ids_added, ids_removed, ranges_added, ranges_removed,
                               ranges_revised, offsets)
     values ($1, $2, $3, 0, 0, $4, $5, $6, '[]')`,
    [
      ...[commitId, table, operation],
      ...[ranges.added, ranges.removed, ranges.revised].map((each) => JSON.stringify(each ?? [])),
    ],
  );
  return commitId;
}

async function planOf(
  model: string,
  request: { intervals?: Interval[]; fullRefresh?: boolean; projectSha256?: string } = {},
): Promise<MartPlan> {
  const wanted = { projectSha256: 'of the files', ...request, marts: martsNamed([model]) };
  const { marts } = await planMarts(ground.lake, wanted);
  const [plan] = marts;
  if (plan === undefined) throw new Error(`there is no plan of ${model}`);
  return plan;
}

/** A range of one market's bars. */
function bars(symbol: string, interval: Interval, fromBar: number, toBar: number): IdRange {
  const lengthUs = intervalUs(interval);
  return {
    source,
    listing: `${symbol}#1`,
    interval,
    lo: from + fromBar * lengthUs,
    hi: from + toBar * lengthUs,
  };
}

it('finds nothing to do where nothing has changed since', async () => {
  for (const { model } of martsNamed(undefined)) expect(isDue(await planOf(model)), model).toBe(false);
});

it.each(['added', 'removed', 'revised'] as const)(
  'makes rows again that follow from bars that were %s',
  async (kind) => {
    await commit('market.candles', 'append', { [kind]: [bars('BTCUSDT', '1h', 5, 7)] });
    const plan = await planOf('indicators');
    expect(plan.whole).toEqual(new Set());
    expect(plan.ranges).toEqual([
      ...[
        {
          source,
          symbol: 'BTCUSDT',
          interval: '1h',
          lo: from + 5 * hourUs,
          hi: from + (7 + warmUpBars) * hourUs,
        },
      ],
    ]);
    expect(plan.sqlSha256).toBe('of the SQL');
  },
);

it('joins what several commits have changed, and keeps apart what lies far from it', async () => {
  await commit('market.klines', 'append', { added: [bars('BTCUSDT', '1h', 0, 1)] });
  await commit('market.candles', 'append', { added: [bars('BTCUSDT', '1h', 1, 9)] });
  await commit('market.candles', 'append', { added: [bars('BTCUSDT', '1h', 5_000, 5_001)] });
  const { ranges } = await planOf('indicators');
  expect(ranges.map(({ lo, hi }) => [(lo - from) / hourUs, (hi - from) / hourUs])).toEqual([
    [0, 9 + warmUpBars],
    [5_000, 5_001 + warmUpBars],
  ]);
});

it('begins before bars that labels look ahead at, and takes all markets for what ranks them', async () => {
  await commit('market.klines', 'append', { added: [bars('ETHUSDT', '1d', 3, 4)] });
  const { barsAhead } = (await planOf('labels')).mart satisfies Mart;
  expect(barsAhead).toBeGreaterThan(0);
  expect((await planOf('labels')).ranges).toMatchObject([
    { symbol: 'ETHUSDT', lo: from + (3 - barsAhead) * dayUs },
  ]);
  const ranked = await planOf('daily_metrics');
  expect(ranked.ranges.map(({ symbol, lo }) => [symbol, lo]).toSorted()).toEqual(
    symbols.map((symbol) => [symbol, from + 3 * dayUs]),
  );
  expect([...ranked.intervals.keys()]).toEqual(['1d']);
});

it('leaves other lengths of bars alone', async () => {
  await commit('market.klines', 'append', {
    added: [bars('BTCUSDT', '1h', 5, 7), bars('BTCUSDT', '1d', 5, 7)],
  });
  const plan = await planOf('indicators', { intervals: ['1d'] });
  expect([...plan.intervals.keys()]).toEqual(['1d']);
  expect(plan.ranges.map(({ interval }) => interval)).toEqual(['1d']);
});

it('changes nothing for files that were only joined', async () => {
  await commit('market.klines', 'replace');
  await commit('features.indicators', 'replace');
  expect(isDue(await planOf('indicators'))).toBe(false);
});

it.each([
  ['features.indicators', 'rollback'],
  ['features.indicators', 'outside'],
  ['market.klines', 'rollback'],
  ['market.candles', 'repair'],
])('makes everything anew after %s had a %s', async (table, operation) => {
  await commit(table, operation);
  const { whole, sqlSha256 } = await planOf('indicators');
  expect(whole).toEqual(new Set(['1h', '1d']));
  expect(sqlSha256).toBeNull();
  // What happened to one mart does not concern the others.
  expect(isDue(await planOf('labels'))).toBe(!table.startsWith('features'));
});

it('makes wholly what it is told to, and bars of a length that there were none of', async () => {
  expect((await planOf('indicators', { fullRefresh: true })).whole).toEqual(new Set(['1h', '1d']));
  await bringBars(ground, { symbol: 'BTCUSDT', interval: '4h', fromUs: from, bars: 2 });
  const plan = await planOf('indicators');
  expect(plan.whole).toEqual(new Set(['4h']));
  expect(plan.intervals.get('4h')).toBeNull();
});

it('builds a mart anew whose files have changed, to see whether its SQL has', async () => {
  const plan = await planOf('indicators', { projectSha256: 'of others' });
  expect(plan).toMatchObject({ isSuspect: true, ranges: [], sqlSha256: 'of the SQL' });
  expect(isDue(plan)).toBe(true);
});

it('knows no other marts', async () => {
  expect(() => martsNamed(['nothing'])).toThrow(/no mart nothing/);
});
