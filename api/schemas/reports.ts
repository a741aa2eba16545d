import { Type, type Static } from 'typebox';
import { intervals } from '#core/market/interval.ts';
import { ListOf, Nullable, pageQuery, SourceName, SymbolName, Time } from './common.ts';

const at = (description: string) => Type.String({ description, format: 'date-time' });
const IncidentKind = Type.Enum(['outage', 'halt', 'delisting', 'relisting', 'maintenance']);

export const Incident = Type.Object({
  incidentId: Type.Integer(),
  source: Type.String(),
  symbol: Nullable(Type.String({ description: 'The market; null for the whole venue.' })),
  kind: IncidentKind,
  from: Time("Begin, by the venue's clock."),
  to: Nullable(Time('End; null until further notice.')),
  cause: Type.String(),
  evidence: Type.Record(Type.String(), Type.Unknown(), { description: 'How we know.' }),
  foundBy: Type.String({
    description: 'The rule that found it.',
    examples: ['silence', 'status', 'universe'],
  }),
  recordedAt: at('When we knew.'),
});
export type Incident = Static<typeof Incident>;
export const IncidentList = ListOf(Incident);
export type IncidentList = Static<typeof IncidentList>;

export const Finding = Type.Object({
  table: Type.String({ description: 'The table whose bar was checked.' }),
  source: Type.String(),
  symbol: SymbolName,
  interval: Type.String(),
  openTime: at('Of the bar.'),
  field: Type.String({ description: 'The column; `bar` where one channel has no bar.' }),
  values: Type.Record(Type.String(), Nullable(Type.String()), {
    description: 'What each channel says, as text; null where it has no bar.',
    examples: [{ klines: '1.5', candles: '1.4' }],
  }),
  trusted: Type.String({ description: 'The channel to believe.' }),
  reason: Type.String({ description: 'Why.' }),
  foundAt: at('When it was found first.'),
  seenAt: at('When it was found last.'),
  resolvedAt: Nullable(at('When the channels were first seen to agree again.')),
});
export type Finding = Static<typeof Finding>;
export const FindingList = ListOf(Finding);
export type FindingList = Static<typeof FindingList>;

export const Restatement = Type.Object({
  restatementId: Type.Integer(),
  source: Type.String(),
  path: Type.String({ description: "The file, from the archive's root." }),
  table: Type.String(),
  symbol: SymbolName,
  interval: Nullable(Type.String()),
  oldSha256: Type.String(),
  newSha256: Type.String(),
  rowsAdded: Type.Integer(),
  rowsRemoved: Type.Integer(),
  rowsChanged: Type.Integer(),
  snapshotBefore: Nullable(Type.String({ description: 'Null where the rows were the same.' })),
  snapshotAfter: Nullable(Type.String()),
  tag: Nullable(Type.String({ description: 'Keeps the snapshot before, to be read as of it.' })),
  reason: Type.String(),
  restatedAt: at('When it was taken anew.'),
});
export type Restatement = Static<typeof Restatement>;
export const RestatementList = ListOf(Restatement);
export type RestatementList = Static<typeof RestatementList>;

const ofMarket = { source: Type.Optional(SourceName), symbol: Type.Optional(SymbolName) };
const ofBars = { ...ofMarket, interval: Type.Optional(Type.Enum([...intervals])) };
const Instant = (description: string) =>
  Type.Optional(
    Type.Union([Type.String({ format: 'date' }), Type.String({ format: 'date-time' })], { description }),
  );

export const IncidentsQuery = Type.Object(
  {
    ...ofMarket,
    kind: Type.Optional(IncidentKind),
    from: Instant('Incidents that end after it.'),
    to: Instant('Incidents that begin before it.'),
    knownAt: Instant('What was known then, by our clock.'),
    ...pageQuery,
  },
  { additionalProperties: false },
);
export const ReconciliationQuery = Type.Object(
  {
    table: Type.Optional(Type.String({ maxLength: 200, examples: ['market.candles'] })),
    ...ofBars,
    state: Type.Enum(['open', 'resolved', 'all'], { default: 'open' }),
    ...pageQuery,
  },
  { additionalProperties: false },
);
export const RestatementsQuery = Type.Object({ ...ofBars, ...pageQuery }, { additionalProperties: false });
