import { Type } from 'typebox';
import { defineJob, type JobCard } from '#core/jobs/job.ts';
import type { VenueDeps } from '#pipelines/venue-deps.ts';
import { discoverSymbols } from './discover.ts';
import { defaultRules } from './rules.ts';

const Assets = Type.Array(Type.String({ minLength: 1, maxLength: 20 }), { maxItems: 500, uniqueItems: true });

export const discoverSymbolsParameters = Type.Object(
  {
    top: Type.Integer({
      minimum: 1,
      maximum: 500,
      default: defaultRules.top,
      description: 'How many coins.',
    }),
    quote: Type.String({
      default: defaultRules.quote,
      description: 'The quote in which liquidity is compared.',
    }),
    hysteresis: Type.Number({
      ...{ minimum: 0, maximum: 1, default: defaultRules.hysteresis },
      description: 'A coin leaves only at a rank above top × (1 + hysteresis).',
    }),
    excludedQuotes: Type.Optional(Assets),
    excludedBases: Type.Optional(Assets),
  },
  { additionalProperties: false },
);

export const discoverSymbolsCard = {
  name: 'discover-symbols',
  description: 'Chooses the most liquid markets of the venue, from now on.',
  parameters: discoverSymbolsParameters,
} satisfies JobCard;

/** Filter 1 as a job: one partition, which may be done again. */
export function discoverSymbolsJob({ database, openExchange }: VenueDeps) {
  return defineJob({
    ...discoverSymbolsCard,
    plan: (params) => Promise.resolve([{ key: 'universe', params }]),
    async run({ params }, { signal, metrics }) {
      const exchange = await openExchange();
      try {
        const rules = { ...defaultRules, ...params };
        const found = await discoverSymbols({ exchange, database, rules, metrics, signal });
        const { source, chosen, entered, left, relisted, dropped } = found;
        return { source, chosen: chosen.length, dropped: dropped.length, entered, left, relisted };
      } finally {
        await exchange.close();
      }
    },
    concurrency: 1,
    timeoutMs: 10 * 60_000,
  });
}
