import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { listDeliveries } from '#core/alerts/deliveries.ts';
import { mailPreference, setMailPreference } from '#core/alerts/mail-preferences.ts';
import type { SecretBox } from '#core/alerts/sealed.ts';
import { webhookUrl } from '#core/alerts/webhook-url.ts';
import {
  deleteWebhook,
  listWebhooks,
  makeWebhook,
  switchWebhook,
  type Webhook,
} from '#core/alerts/webhooks.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { Nothing } from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';
import * as schemas from '../schemas/webhooks.ts';
import { pageAfter, placeCursor } from '../trading/cursors.ts';

export interface WebhookRouteOptions {
  database: Database;
  /** What secrets are sealed with. */
  box: SecretBox;
  /** Whether webhooks may be of this machine and of private networks. */
  allowsPrivate: boolean;
}

/** Where else a user is told: programs of theirs, and mail. */
export const webhookRoutes: FastifyPluginCallbackTypebox<WebhookRouteOptions> = (app, options, done) => {
  const { database, box, allowsPrivate } = options;

  app.post(
    '/v1/webhooks',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Have a program of yours told of alerts, or of your orders',
        description:
          'Messages are posted as JSON and signed as Standard Webhooks 1.0 says: `webhook-signature` is `v1,` and base64 of ' +
          'HMAC-SHA256, by the bytes behind `whsec_`, over `webhook-id`, `webhook-timestamp` and the body with dots between. ' +
          'Each comes at least once, with the same `webhook-id` when it is repeated; answer 2xx within ten seconds. What ' +
          'fails is tried again for hours; a webhook that fails for a day, or answers 410, is disabled.',
        querystring: NoQuery,
        body: schemas.NewWebhook,
        response: { 201: schemas.MadeWebhook, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { url, topics } = request.body;
      const { href } = webhookUrl(url, { allowsPrivate });
      const made = await makeWebhook(database, box, { userId: callerOf(request).userId, url: href, topics });
      reply.code(201).header('cache-control', 'no-store');
      return { ...shown(made), secret: made.secret };
    },
  );

  app.get(
    '/v1/webhooks',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Your webhooks, the oldest first',
        querystring: NoQuery,
        response: { 200: schemas.WebhookList, ...problemAnswers },
      },
    },
    async (request) => {
      const webhooks = await listWebhooks(database, callerOf(request).userId);
      return { items: webhooks.map(shown), nextCursor: null };
    },
  );

  app.patch(
    '/v1/webhooks/:webhookId',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Stop telling a webhook, or go on with what is new',
        params: schemas.WebhookParams,
        querystring: NoQuery,
        body: schemas.WebhookChange,
        response: { 200: schemas.Webhook, ...problemAnswers },
      },
    },
    async (request) => {
      const { webhookId } = request.params;
      const { isActive } = request.body;
      return shown(await switchWebhook(database, callerOf(request).userId, { webhookId, isActive }));
    },
  );

  app.delete(
    '/v1/webhooks/:webhookId',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Delete a webhook, and what waits for it',
        params: schemas.WebhookParams,
        querystring: NoQuery,
        response: { 204: Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      await deleteWebhook(database, callerOf(request).userId, request.params.webhookId);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/webhooks/:webhookId/deliveries',
    {
      schema: {
        tags: ['alerts'],
        summary: 'What a webhook was told within a week, and what came of it, the newest first',
        params: schemas.WebhookParams,
        querystring: schemas.DeliveriesQuery,
        response: { 200: schemas.DeliveryList, ...problemAnswers },
      },
    },
    async (request) => {
      const { cursor, limit } = request.query;
      const of = { userId: callerOf(request).userId, webhookId: request.params.webhookId };
      const found = await listDeliveries(database, of, { after: placeCursor(cursor), limit: limit + 1 });
      const page = pageAfter(found, limit, ({ createdUs, deliveryId }) => `${createdUs}@${deliveryId}`);
      const items = page.items.map(({ deliveryId: id, topic, subject, state, attempts, answer, ...at }) => ({
        ...{ id, topic, subject, state, attempts, answer },
        createdAt: at.createdAt.toISOString(),
        endedAt: at.endedAt?.toISOString() ?? null,
      }));
      return { items, nextCursor: page.nextCursor };
    },
  );

  app.get(
    '/v1/users/me/notifications',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Which alerts are mailed to you',
        querystring: NoQuery,
        response: { 200: schemas.Notifications, ...problemAnswers },
      },
    },
    async (request) => ({ mailSeverity: await mailPreference(database, callerOf(request).userId) }),
  );

  app.put(
    '/v1/users/me/notifications',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Say which alerts are mailed to you',
        querystring: NoQuery,
        body: schemas.Notifications,
        response: { 200: schemas.Notifications, ...problemAnswers },
      },
    },
    async (request) => {
      const { mailSeverity } = request.body;
      await setMailPreference(database, callerOf(request).userId, mailSeverity);
      return { mailSeverity };
    },
  );
  done();
};

function shown({ webhookId, url, topics, createdAt, isActive, failingSince, disabledBecause }: Webhook) {
  return {
    ...{ id: webhookId, url, topics, isActive, disabledBecause },
    createdAt: createdAt.toISOString(),
    failingSince: failingSince?.toISOString() ?? null,
  };
}
