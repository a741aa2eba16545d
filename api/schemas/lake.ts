import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { ListOf, Nullable, pageQuery, SourceName, SymbolName } from './common.ts';

export const LakeTable = Type.Object({
  name: Type.String({ examples: ['market.trades'] }),
  rows: Type.Integer(),
  files: Type.Integer({ description: 'Data files of the current snapshot.' }),
  bytes: Type.Integer(),
  snapshotId: Nullable(
    Type.String({ description: 'A 64-bit number as text; null before the first commit.' }),
  ),
  committedAt: Nullable(
    Type.String({ description: 'When the current snapshot was made.', format: 'date-time' }),
  ),
  metadataLocation: Type.String(),
});
export type LakeTable = Static<typeof LakeTable>;
export const LakeTableList = ListOf(LakeTable);
export type LakeTableList = Static<typeof LakeTableList>;

const listingFields = {
  table: Type.String(),
  source: Type.String(),
  listing: Type.String({ description: 'Market and listing number, for a name that was used by two coins.' }),
  symbol: SymbolName,
  interval: Nullable(Type.String({ description: 'Length of the bars; null for trades.' })),
};

export const Coverage = Type.Object({
  ...listingFields,
  day: Type.Optional(Type.String({ description: 'With `by=day`: a UTC day.', format: 'date' })),
  lo: Type.Optional(
    Type.Integer({ description: 'First id expected, or open time of the first bar in microseconds.' }),
  ),
  hi: Type.Optional(
    Type.Integer({ description: 'One past the last id expected, or the open time after the last bar.' }),
  ),
  expected: Type.Integer({
    description:
      'Ids or bars that are held or wanted (where nothing is wanted, those between the first and the last held); ' +
      'always held + explained + missing.',
  }),
  held: Type.Integer(),
  explained: Type.Integer({ description: 'Not held, with a known cause.' }),
  missing: Type.Integer({ description: 'Not held, and not explained.' }),
});
export type Coverage = Static<typeof Coverage>;

export const CoverageList = Type.Object({
  ...ListOf(Coverage).properties,
  asOf: Type.Array(
    Type.Object({
      table: Type.String(),
      snapshotId: Nullable(Type.String({ description: 'A 64-bit number as text; null before the first.' })),
      committedAt: Nullable(Type.String({ description: 'When the commit was made.', format: 'date-time' })),
    }),
    { description: 'The commit of each table that the figures are of.' },
  ),
});
export type CoverageList = Static<typeof CoverageList>;

export const Gap = Type.Object({
  ...listingFields,
  from: Type.Integer({ description: 'First id (for bars, open time in microseconds) that is not held.' }),
  to: Type.Integer({ description: 'One past the last id (the next open time) that is not held.' }),
  count: Type.Integer({ description: 'Ids or bars.' }),
  kind: Type.Union([Type.Literal('missing'), Type.Literal('explained')]),
  cause: Nullable(Type.String({ description: 'Why it is not held, where that is known.' })),
  detail: Nullable(Type.String()),
});
export type Gap = Static<typeof Gap>;
export const GapList = ListOf(Gap);
export type GapList = Static<typeof GapList>;

export const NoQuery = Type.Object({}, { additionalProperties: false });

const ledgerQuery = {
  table: Type.Optional(Type.String({ maxLength: 200, examples: ['market.trades'] })),
  source: Type.Optional(SourceName),
  symbol: Type.Optional(SymbolName),
  interval: Type.Optional(Type.Enum([...intervals], { description: 'Of bars.' })),
  ...pageQuery,
};
const Day = (description: string) => Type.Optional(Type.String({ description, format: 'date' }));

export const CoverageQuery = Type.Object(
  {
    ...ledgerQuery,
    by: Type.Enum(['listing', 'day'], {
      description: 'A row for each listing, or for each UTC day of it.',
      default: 'listing',
    }),
    from: Day('With `by=day`: the first day.'),
    to: Day('With `by=day`: up to and without this day.'),
    asOf: Type.Optional(
      Type.String({
        description: "A snapshot's id, a tag, or a time: what was held then.",
        minLength: 1,
        maxLength: 100,
        examples: ['2026-03-01T12:00:00Z'],
      }),
    ),
  },
  { additionalProperties: false },
);
export const GapsQuery = Type.Object(
  {
    ...ledgerQuery,
    kind: Type.Optional(Type.Enum(['missing', 'explained'])),
    cause: Type.Optional(Type.String({ maxLength: 200, examples: ['not listed yet'] })),
  },
  { additionalProperties: false },
);
