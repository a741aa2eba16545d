import { Type, type Static } from 'typebox';
import { severities } from '#core/alerts/alert.ts';
import { ListOf, Nullable, pageQuery, Time } from './common.ts';
import { PortfolioId, uuid } from './trading.ts';

export const AlertId = Type.String({
  description: 'Id of an alert.',
  pattern: uuid,
  examples: ['5b8f1c9e-0d53-4c2e-9a54-6a3a3c8b7f01'],
});

const Severity = Type.Enum([...severities]);
const kinds = [
  'price_reached',
  'wash_trade',
  'order_burst',
  'repeated_rejects',
  'webhook_disabled',
  'venue_difference',
];

export const Alert = Type.Object({
  id: AlertId,
  sequence: Type.Integer({ description: 'Of its newest change; rises with each change of any alert.' }),
  kind: Type.String({ description: 'What it is about.', examples: kinds }),
  severity: Severity,
  cause: Type.String({ description: 'What is the matter, with its figures, for people.' }),
  detail: Type.Record(Type.String(), Type.Unknown(), {
    description: 'The figures; which, depends on the kind.',
  }),
  userId: Nullable(Type.String({ description: 'The user it is about.', format: 'uuid' })),
  portfolioId: Nullable(PortfolioId),
  raisedAt: Time('When it was raised.'),
  acknowledgedAt: Nullable(Time('When somebody saw to it.')),
  acknowledgedBy: Nullable(Type.String({ description: 'The user who did.', format: 'uuid' })),
});
export type Alert = Static<typeof Alert>;

export const AlertList = ListOf(Alert);
export type AlertList = Static<typeof AlertList>;

export const AlertsQuery = Type.Object(
  {
    ...pageQuery,
    state: Type.Enum(['open', 'acknowledged', 'all'], {
      description: 'Whether somebody saw to it.',
      default: 'all',
    }),
    kind: Type.Optional(Type.String({ pattern: '^[a-z_]{1,40}$', examples: ['price_reached'] })),
    severity: Type.Optional(Severity),
  },
  { additionalProperties: false },
);

export const AlertParams = Type.Object({ alertId: AlertId });
