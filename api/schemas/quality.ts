import { Type, type Static } from 'typebox';
import { Nullable, Time } from './common.ts';

const ours = (description: string) => Type.String({ description, format: 'date-time' });
const Severity = Type.Enum(['error', 'warn'], {
  description: 'A failed test of severity `error` keeps the table as it was before.',
});

const Freshness = Type.Object({
  source: Type.String(),
  interval: Nullable(Type.String({ description: 'Length of the bars; null for trades.' })),
  newest: Time('Until when the rows reach: the time of the newest trade, the end of the newest bar.'),
  ageSeconds: Type.Integer({
    description: "How long ago that was by the venue's clock; by ours where the venue's is not known.",
  }),
});

const FailedTest = Type.Object({
  test: Type.String({ examples: ['not_null_indicators_close'] }),
  column: Nullable(Type.String()),
  status: Type.Enum(['warn', 'fail', 'error'], { description: '`error`: it could not be run.' }),
  severity: Severity,
  failures: Nullable(Type.Integer({ description: 'Rows that failed.' })),
  examples: Type.Array(Type.Record(Type.String(), Type.Unknown()), { description: 'A few of these rows.' }),
  message: Nullable(Type.String({ description: "The test's own words." })),
  failingSince: ours('When it first failed.'),
  checkedAt: ours('When it was last run.'),
});

export const TableQuality = Type.Object({
  table: Type.String({ examples: ['features.indicators'] }),
  state: Type.Enum(['ok', 'warn', 'blocked'], {
    description:
      '`blocked`: a test of severity `error` failed, so that the table stays as it was, with what is made of it.',
  }),
  freshness: Type.Array(Freshness),
  coverage: Nullable(
    Type.Object(
      {
        expected: Type.Integer(),
        held: Type.Integer(),
        explained: Type.Integer(),
        missing: Type.Integer(),
      },
      {
        description:
          'Ids and bars, as `/v1/lake/coverage` has them; null where nothing is expected of the table.',
      },
    ),
  ),
  published: Type.Array(
    Type.Object({
      interval: Type.String(),
      publishedAt: ours('When the transforms published it last.'),
      behind: Type.Integer({
        description: 'Commits of its sources since that changed rows; 0 where it is of their newest state.',
      }),
    }),
    { description: 'Of a mart, by length of bars.' },
  ),
  tests: Type.Object({ pass: Type.Integer(), warn: Type.Integer(), fail: Type.Integer() }),
  failures: Type.Array(FailedTest),
});
export type TableQuality = Static<typeof TableQuality>;

export const TableQualityList = Type.Object({ items: Type.Array(TableQuality), nextCursor: Type.Null() });
export type TableQualityList = Static<typeof TableQualityList>;
