import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import { intervals, isInterval, type Interval } from '#core/market/interval.ts';
import type { HistoryDeps } from '#pipelines/venue-deps.ts';
import { pruneFindings } from './findings.ts';
import { reconcileMonth, reconcileWithRest } from './reconcile.ts';
import { comparableMonths, sampleWindows, type BarFilter } from './windows.ts';

const Day = Type.String({ description: 'A UTC day.', pattern: '^\\d{4}-\\d{2}-\\d{2}$' });

export const reconcileParameters = Type.Object(
  {
    symbols: Type.Optional(
      Type.Array(Type.String({ minLength: 1, maxLength: 40 }), {
        ...{ minItems: 1, maxItems: 500, uniqueItems: true },
        description: 'Default: all.',
      }),
    ),
    intervals: Type.Optional(Type.Array(Type.Enum([...intervals]), { minItems: 1, uniqueItems: true })),
    from: Type.Optional(Day),
    to: Type.Optional(Type.String({ ...Day, description: 'Up to and without this UTC day.' })),
    restWindows: Type.Integer({
      ...{ minimum: 0, maximum: 1_000, default: 20 },
      description:
        'Spans of up to 1000 bars that REST is asked for: half of them the newest, half at random.',
    }),
    seed: Type.Optional(
      Type.String({ maxLength: 100, description: 'Of the random spans; default the run.' }),
    ),
  },
  { additionalProperties: false },
);

export const reconcileCard = {
  name: 'reconcile',
  description: 'Compares candles, bars that are held and bars of REST, and reports where they differ.',
  parameters: reconcileParameters,
  after: ['backfill-klines', 'build-candles'],
} satisfies JobCard;

/** A month of one interval in the lake, or spans to ask REST for. */
type Part = { filter: BarFilter } & (
  { interval: Interval; month: string } | { windows: number; seed: string }
);

/** Reconciliation as a job: a partition a month and interval, and one for all that REST is asked. */
export function reconcileJob({ database, lake, spillDir, openExchange }: HistoryDeps) {
  const deps = { lake, spillDir };
  return defineJob({
    ...reconcileCard,
    async plan({ symbols, from, to, restWindows, seed, ...params }, { runId }) {
      await pruneFindings(database);
      const filter = {
        ...{ symbols, intervals: params.intervals?.filter(isInterval) },
        ...{ fromUs: microseconds(from), toUs: microseconds(to) },
      };
      const months = await comparableMonths(database, filter);
      const parts: { key: string; params: Part }[] = months.map(({ interval, month }) => ({
        key: `candles/${interval}/${month}`,
        params: { filter, interval, month },
      }));
      const rest = { key: 'rest', params: { filter, windows: restWindows, seed: seed ?? runId } };
      return restWindows === 0 ? parts : [...parts, rest];
    },
    async run({ params }, { runId: run, signal, finish }) {
      const found = { run, signal, finish };
      if ('month' in params) return await reconcileMonth(deps, params, params.filter, found);
      const exchange = await openExchange();
      try {
        const { filter, windows: count, seed } = params;
        const windows = await sampleWindows(database, exchange.source, filter, { count, seed });
        return await reconcileWithRest(deps, exchange, windows, found);
      } finally {
        await exchange.close();
      }
    },
    concurrency: 2,
  });
}

function microseconds(day: string | undefined): number | undefined {
  return day === undefined ? undefined : Date.parse(day) * 1_000;
}
