import { Type, type Static, type TSchema } from 'typebox';

/** Decimal text: digits, at most one point, no exponent. */
export const Decimal = (description: string) =>
  Type.String({ description, pattern: '^-?\\d+(\\.\\d+)?$', examples: ['64213.12'] });

/** RFC 3339 in UTC with microseconds. */
export const Time = (description: string) =>
  Type.String({ description, format: 'date-time', examples: ['2026-03-01T12:00:00.000123Z'] });

/** A day or an instant that need not be named. */
export const Instant = (description: string) =>
  Type.Optional(
    Type.Union([Type.String({ format: 'date' }), Type.String({ format: 'date-time' })], {
      description: `${description} A day, or RFC 3339.`,
      examples: ['2024-03-01'],
    }),
  );

export const SymbolName = Type.String({
  description: "The venue's name of a market, in capitals.",
  pattern: '^[A-Z0-9]{2,40}$',
  examples: ['BTCUSDT'],
});

export const SourceName = Type.String({
  description:
    'The venue. Without it: the one this service is configured for, else the first that holds the market.',
  pattern: '^[a-z0-9]+(:[A-Za-z0-9_.-]+)?$',
  maxLength: 80,
  examples: ['binance', 'simulator:42'],
});

export const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);

/** Every list answers in pages; what `nextCursor` says is passed back as `cursor`. */
export const ListOf = <T extends TSchema>(items: T) =>
  Type.Object({
    items: Type.Array(items),
    nextCursor: Nullable(Type.String({ description: 'Where the next page starts; null on the last one.' })),
  });

export const pageQuery = {
  cursor: Type.Optional(Type.String({ description: '`nextCursor` of the page before.', maxLength: 512 })),
  limit: Type.Integer({ description: 'Most items in the answer.', minimum: 1, maximum: 1000, default: 100 }),
};

export const Problem = Type.Object(
  {
    type: Type.String({
      description: 'A URN that names the code.',
      examples: ['urn:ticklake:problem:NOT_FOUND'],
    }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.String(),
    code: Type.String({ description: 'From a closed set; what a client decides by.' }),
    retryable: Type.Boolean({ description: 'Whether the same request can succeed later.' }),
    remedy: Nullable(Type.String({ description: 'What the reader can do about it.' })),
    rejectCode: Type.Optional(
      Type.String({ description: 'Of an amendment that would not have been accepted as an order.' }),
    ),
  },
  { title: 'Problem', description: 'RFC 9457 problem details.' },
);
export type Problem = Static<typeof Problem>;

const problemAnswer = {
  description: 'What went wrong, and what to do.',
  content: { 'application/problem+json': { schema: Problem } },
};

/** The answers every route can give beside its own. */
export const problemAnswers = { '4xx': problemAnswer, '5xx': problemAnswer };
