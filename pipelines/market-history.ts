import { Type } from 'typebox';
import { defineChain } from '#core/jobs/job.ts';
import { backfillKlinesCard } from './backfill-klines/job.ts';
import { backfillTradesCard } from './backfill-trades/job.ts';
import { detectGapsCard, detectGapsParameters } from './detect-gaps/job.ts';
import { runTransformsCard } from './run-transforms/job.ts';
import { discoverSymbolsCard, discoverSymbolsParameters } from './discover-symbols/job.ts';

const { top } = discoverSymbolsParameters.properties;
const { days, from, to } = detectGapsParameters.properties;

/** Filters 1, 2 and 3, one after the other, and what is made of the bars. */
export const marketHistory = defineChain({
  name: 'market-history',
  description:
    'Chooses the markets worth having, finds what of them is missing, brings it, and makes the marts of it.',
  parameters: Type.Object(
    {
      ...{ top, days: { ...days, default: { '1d': 1_095, '1m': 2, trades: 1 } }, from, to },
      transform: Type.Boolean({ default: true, description: 'Also run the transforms; they need Python.' }),
    },
    { additionalProperties: false },
  ),
  steps: ({ top, days, from, to, transform }) => [
    { job: discoverSymbolsCard.name, params: { top } },
    { job: detectGapsCard.name, params: { intervals: [], days, from, to } },
    { job: backfillKlinesCard.name, params: { from, to } },
    { job: backfillTradesCard.name, params: { from, to } },
    ...(transform ? [{ job: runTransformsCard.name, params: {} }] : []),
  ],
});
