import { Type, type Static } from 'typebox';
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

export const Coverage = Type.Object({
  table: Type.String(),
  source: Type.String(),
  listing: Type.String({ description: 'Market and listing number, for a name that was used by two coins.' }),
  symbol: SymbolName,
  interval: Nullable(Type.String({ description: 'Length of the bars; null for trades.' })),
  lo: Type.Integer({ description: 'First id held, or open time of the first bar in microseconds.' }),
  hi: Type.Integer({ description: 'One past the last id held, or the open time after the last bar.' }),
  expected: Type.Integer({ description: 'Ids or bars from lo to hi; always held + explained + missing.' }),
  held: Type.Integer(),
  explained: Type.Integer({ description: 'Not held, with a known cause.' }),
  missing: Type.Integer({ description: 'Not held, and not explained.' }),
});
export type Coverage = Static<typeof Coverage>;
export const CoverageList = ListOf(Coverage);
export type CoverageList = Static<typeof CoverageList>;

export const Gap = Type.Object({
  table: Type.String(),
  source: Type.String(),
  listing: Type.String(),
  symbol: SymbolName,
  interval: Nullable(Type.String({ description: 'Length of the bars; null for trades.' })),
  from: Type.Integer({ description: 'First id (for bars, open time in microseconds) that is not held.' }),
  to: Type.Integer({ description: 'One past the last id (the next open time) that is not held.' }),
  kind: Type.Union([Type.Literal('missing'), Type.Literal('explained')]),
  cause: Nullable(Type.String({ description: 'Why it is not held, where that is known.' })),
});
export type Gap = Static<typeof Gap>;
export const GapList = ListOf(Gap);
export type GapList = Static<typeof GapList>;

export const NoQuery = Type.Object({}, { additionalProperties: false });
export const LedgerQuery = Type.Object(
  {
    table: Type.Optional(Type.String({ maxLength: 200, examples: ['market.trades'] })),
    source: Type.Optional(SourceName),
    symbol: Type.Optional(SymbolName),
    ...pageQuery,
  },
  { additionalProperties: false },
);
