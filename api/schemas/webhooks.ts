import { Type, type Static } from 'typebox';
import { severities } from '#core/alerts/alert.ts';
import { webhookTopics } from '#core/alerts/webhooks.ts';
import { ListOf, Nullable, pageQuery, Time } from './common.ts';
import { uuid } from './trading.ts';

const WebhookId = Type.String({
  description: 'Id of a webhook.',
  pattern: uuid,
  examples: ['3f0d4c6e-93a5-4b34-8f5a-0f5d5c9e2b77'],
});
const Url = Type.String({
  description: 'Where messages are posted: https, and a host of the public Internet.',
  minLength: 8,
  maxLength: 2000,
  examples: ['https://example.com/hooks/ticklake'],
});
const Topics = Type.Array(Type.Enum([...webhookTopics]), {
  description: '`alerts`: your alerts as they are raised; `orders`: all that happens to your orders.',
  minItems: 1,
  maxItems: webhookTopics.length,
  uniqueItems: true,
});

const shown = {
  id: WebhookId,
  url: Url,
  topics: Topics,
  createdAt: Time('When it was made.'),
  isActive: Type.Boolean({ description: 'Whether it is told.' }),
  failingSince: Nullable(Time('Since when nothing could be delivered; null while it works.')),
  disabledBecause: Nullable(Type.String({ description: 'Why it is not told.' })),
};

export const Webhook = Type.Object(shown);
export type Webhook = Static<typeof Webhook>;

export const MadeWebhook = Type.Object({
  ...shown,
  secret: Type.String({ description: 'What messages are signed with, shown this once: `whsec_…`.' }),
});
export type MadeWebhook = Static<typeof MadeWebhook>;

export const WebhookList = ListOf(Webhook);
export type WebhookList = Static<typeof WebhookList>;

export const NewWebhook = Type.Object(
  { url: Url, topics: Topics },
  {
    additionalProperties: false,
    examples: [{ url: 'https://example.com/hooks/ticklake', topics: ['alerts'] }],
  },
);

export const WebhookChange = Type.Object(
  { isActive: Type.Boolean({ description: 'Whether it is told from now on.' }) },
  { additionalProperties: false, examples: [{ isActive: true }] },
);

export const WebhookParams = Type.Object({ webhookId: WebhookId });

export const DeliveriesQuery = Type.Object(pageQuery, { additionalProperties: false });

export const Delivery = Type.Object({
  id: Type.String({ description: 'The `webhook-id` of its message.', format: 'uuid' }),
  topic: Type.Enum([...webhookTopics]),
  subject: Type.String({
    description: 'The alert, or the portfolio and the number of the event, that it tells of.',
  }),
  state: Type.Enum(['waiting', 'delivered', 'failed', 'dropped'], {
    description: '`failed` after twelve attempts; `dropped` where too many were waiting already.',
  }),
  attempts: Type.Integer(),
  answer: Nullable(Type.String({ description: 'What the newest attempt came to.', examples: ['HTTP 200'] })),
  createdAt: Time('When there was something to tell.'),
  endedAt: Nullable(Time('When it was told, or given up.')),
});
export const DeliveryList = ListOf(Delivery);
export type DeliveryList = Static<typeof DeliveryList>;

export const Notifications = Type.Object(
  {
    mailSeverity: Nullable(
      Type.Enum([...severities], {
        description:
          'The least severe alerts that are mailed to you; null: none. Mails go out where the service has a mail server.',
      }),
    ),
  },
  { additionalProperties: false, examples: [{ mailSeverity: 'warning' }] },
);
export type Notifications = Static<typeof Notifications>;
