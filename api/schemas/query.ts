import { Type, type Static } from 'typebox';
import { answerFormats } from '#core/lake/answer.ts';
import type { QueryValue } from '#core/lake/select.ts';
import { Nullable, Time } from './common.ts';

const rowsMax = 1_000_000;
/** Checked where it is bound: a schema of several types would make the first of them of whatever comes. */
const scalar = Type.Unsafe<QueryValue>({ description: 'Text, a number, true, false or null.' });

export const QueryRequest = Type.Object(
  {
    sql: Type.String({
      description: 'One SELECT (or DESCRIBE, SHOW, SUMMARIZE, EXPLAIN) in the dialect of DuckDB.',
      minLength: 1,
      maxLength: 32_000,
    }),
    params: Type.Optional(
      Type.Record(Type.String({ pattern: '^[A-Za-z0-9_]{1,64}$' }), scalar, {
        description: 'A value for each `$name` of the text.',
        maxProperties: 100,
      }),
    ),
    asOf: Type.Optional(
      Type.String({
        description: 'A snapshot, a tag or a time (UTC) to read the tables as of, instead of the newest.',
        minLength: 1,
        maxLength: 255,
      }),
    ),
    format: Type.Optional(
      Type.Enum([...answerFormats], {
        description:
          'Without it the header `accept` says: application/json, text/csv, or application/vnd.apache.arrow.stream.',
      }),
    ),
    rowsMax: Type.Integer({
      description: 'Most rows in the answer, which says whether there were more.',
      minimum: 1,
      maximum: rowsMax,
      default: 10_000,
    }),
  },
  {
    additionalProperties: false,
    examples: [
      {
        sql: 'select symbol, count(*) as bars from market.klines where interval = $interval group by all order by all',
        params: { interval: '1d' },
      },
    ],
  },
);

export const QueryResult = Type.Object({
  columns: Type.Array(
    Type.Object({ name: Type.String(), type: Type.String({ examples: ['DECIMAL(38,18)'] }) }),
  ),
  rows: Type.Array(Type.Record(Type.String(), Type.Unknown()), {
    description: 'By column name; decimals and 64-bit integers as text, times as RFC 3339.',
  }),
  rowCount: Type.Integer(),
  truncated: Type.Boolean({ description: 'Whether there were more rows than `rowsMax`, or 64 MB.' }),
  snapshots: Type.Record(Type.String(), Nullable(Type.String()), {
    description: 'By table that the text names, the snapshot that was read; null where it was empty.',
  }),
});

export const QueryUnderWay = Type.Object({
  queryId: Type.String({ format: 'uuid' }),
  userId: Type.String(),
  sql: Type.String(),
  state: Type.Enum(['planning', 'waiting', 'running', 'sending']),
  startedAt: Time('When it was asked.'),
  percent: Nullable(Type.Number({ description: 'How far it is, as DuckDB takes it; null until it knows.' })),
  memoryBytes: Type.Integer(),
});
export type QueryUnderWay = Static<typeof QueryUnderWay>;

export const QueryList = Type.Object({ items: Type.Array(QueryUnderWay), nextCursor: Type.Null() });
export const QueryParams = Type.Object({ queryId: Type.String({ maxLength: 36 }) });
