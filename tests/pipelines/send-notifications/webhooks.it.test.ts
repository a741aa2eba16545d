import { createHmac, randomUUID } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { claimWebhookDeliveries, listDeliveries, type StoredDelivery } from '#core/alerts/deliveries.ts';
import { setMailPreference } from '#core/alerts/mail-preferences.ts';
import { listWebhooks, makeWebhook, switchWebhook, type WebhookTopic } from '#core/alerts/webhooks.ts';
import { stopTelling } from '#core/alerts/stop-telling.ts';
import { disableUser } from '#core/identity/disable-user.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { deliverStored } from '#pipelines/deliver-events/deliver.ts';
import { orderEventsConsumer } from '#pipelines/send-notifications/order-events.ts';
import {
  startWebhooks,
  type Sender,
  type WebhookSenderOptions,
} from '#pipelines/send-notifications/webhooks.ts';
import { logger } from '#tests/core/trading/support.ts';
import { openTellingGround, startReceiver, type Received, type TellingGround } from './ground.ts';

const bounds = { timeout: 30_000, interval: 20 };

let ground: TellingGround;
const senders: Sender[] = [];
const receivers: { close(): void }[] = [];

beforeAll(async () => {
  ground = await openTellingGround();
});
afterEach(async () => {
  for (const sender of senders.splice(0)) await sender.close();
  for (const receiver of receivers.splice(0)) receiver.close();
});
afterAll(async () => {
  await ground.close();
});

function start(options: Partial<WebhookSenderOptions> = {}): void {
  const { database, box } = ground;
  const retryMs = { firstMs: 20, maxMs: 100 };
  const common = { database, box, allowsPrivate: true, hasMail: false, logger, metrics: new Metrics() };
  senders.push(startWebhooks({ ...common, retryMs, ...options }));
}

async function receiver(answer: Parameters<typeof startReceiver>[0] = () => 204) {
  const started = await startReceiver(answer);
  receivers.push(started);
  return started;
}

async function hook(userId: string, url: string, ...topics: WebhookTopic[]) {
  const asked = { userId, url, topics: topics.length > 0 ? topics : (['alerts'] as const) };
  return await makeWebhook(ground.trading.database, ground.box, asked);
}

async function deliveries(userId: string, webhookId: string): Promise<StoredDelivery[]> {
  const { database } = ground.trading;
  return (await listDeliveries(database, { userId, webhookId }, { limit: 2_000 })).reverse();
}

function causes(received: readonly Received[]): string[] {
  return received.map(({ body }) => (JSON.parse(body) as { data: { cause: string } }).data.cause);
}

describe('a webhook', () => {
  it('is told of alerts, signed as Standard Webhooks says', async () => {
    const { url, received } = await receiver();
    const userId = await ground.newUser();
    const { webhookId, secret } = await hook(userId, url);
    start();
    await ground.raise(userId, ['a price']);
    await vi.waitFor(() => expect(received).toHaveLength(1), bounds);
    const { headers, body } = received[0] as Received;
    const key = Buffer.from(secret.slice('whsec_'.length), 'base64');
    const signed = `${String(headers['webhook-id'])}.${String(headers['webhook-timestamp'])}.${body}`;
    expect(headers['webhook-signature']).toBe(
      `v1,${createHmac('sha256', key).update(signed).digest('base64')}`,
    );
    expect(Math.abs(Number(headers['webhook-timestamp']) - Date.now() / 1_000)).toBeLessThan(60);
    expect(JSON.parse(body)).toMatchObject({
      type: 'alert.raised',
      data: { kind: 'price_reached', severity: 'info', cause: 'a price' },
    });
    await vi.waitFor(async () => {
      const [delivery] = await deliveries(userId, webhookId);
      expect(delivery).toMatchObject({ state: 'delivered', attempts: 1, answer: 'HTTP 204' });
      expect(delivery?.deliveryId).toBe(headers['webhook-id']);
    }, bounds);
  });

  it('is told again, by the same id, until it has understood; redirects are not followed', async () => {
    const { url, received } = await receiver((_, count) => [500, 302, 429][count - 1] ?? 200);
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, url);
    start();
    await ground.raise(userId, ['patience']);
    await vi.waitFor(() => expect(received).toHaveLength(4), bounds);
    expect(new Set(received.map(({ headers }) => headers['webhook-id'])).size).toBe(1);
    expect(new Set(received.map(({ path }) => path))).toEqual(new Set(['/hooks']));
    await vi.waitFor(
      async () =>
        expect(await deliveries(userId, webhookId)).toMatchObject([{ state: 'delivered', attempts: 4 }]),
      bounds,
    );
    expect(await listWebhooks(ground.database, userId)).toMatchObject([{ failingSince: null }]);
  });

  it('is told once by several senders, and soon where another one hangs', async () => {
    const hanging = await receiver(() => undefined);
    const { url, received } = await receiver();
    const userId = await ground.newUser();
    await hook(userId, hanging.url);
    const { webhookId } = await hook(userId, url);
    start();
    start();
    const names = Array.from({ length: 20 }, (_, index) => `alert ${index}`);
    await ground.raise(userId, names);
    await vi.waitFor(
      async () =>
        expect((await deliveries(userId, webhookId)).map(({ state }) => state)).toEqual(
          names.map(() => 'delivered'),
        ),
      bounds,
    );
    expect(causes(received).toSorted()).toEqual(names.toSorted());
  });

  it('is told by the next one where a sender has died in the middle', async () => {
    const { url, received } = await receiver();
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, url);
    await ground.raise(userId, ['orphaned']);
    const leaseMs = 3_000;
    const claim = async () =>
      (await claimWebhookDeliveries(ground.database, { limit: 100, leaseMs, busy: [] })).find(
        (delivery) => delivery.webhookId === webhookId,
      );
    const taken = await claim();
    expect(taken).toMatchObject({ attempts: 1, userId });
    expect(await claim()).toBeUndefined();
    start();
    await vi.waitFor(() => expect(causes(received)).toEqual(['orphaned']), bounds);
    expect(received[0]?.headers['webhook-id']).toBe(taken?.deliveryId);
  });

  it('that fails for long is disabled, and its user told once', async () => {
    const { url, received } = await receiver(() => 500);
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, url);
    start({ failingMsMax: 300 });
    await ground.raise(userId, ['one', 'two']);
    await vi.waitFor(
      async () => expect(await listWebhooks(ground.database, userId)).toMatchObject([{ isActive: false }]),
      bounds,
    );
    expect((await deliveries(userId, webhookId)).map(({ state }) => state)).toEqual(['failed', 'failed']);
    const count = received.length;
    await ground.raise(userId, ['three']);
    expect(await deliveries(userId, webhookId)).toHaveLength(2);
    const { rows } = await ground.database.query(
      `select cause from alerts.alerts where user_id = $1 and kind = 'webhook_disabled'`,
      [userId],
    );
    expect(rows).toEqual([{ cause: expect.stringContaining(`${url} was disabled`) as string }]);
    expect(received).toHaveLength(count);
  });

  it('that is gone (410) is disabled at once', async () => {
    const { url, received } = await receiver(() => 410);
    const userId = await ground.newUser();
    await hook(userId, url);
    start();
    await ground.raise(userId, ['one']);
    await vi.waitFor(
      async () =>
        expect(await listWebhooks(ground.database, userId)).toMatchObject([
          { isActive: false, disabledBecause: expect.stringContaining('HTTP 410') as string },
        ]),
      bounds,
    );
    expect(received).toHaveLength(1);
  });

  it('that its user has stopped is told nothing of what waited', async () => {
    const { url, received } = await receiver();
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, url);
    await ground.raise(userId, ['one', 'two']);
    const { database } = ground.trading;
    await switchWebhook(database, userId, { webhookId, isActive: false });
    start();
    await vi.waitFor(
      async () =>
        expect((await deliveries(userId, webhookId)).map(({ state }) => state)).toEqual(['failed', 'failed']),
      bounds,
    );
    await switchWebhook(database, userId, { webhookId, isActive: true });
    await ground.raise(userId, ['three']);
    await vi.waitFor(() => expect(causes(received)).toEqual(['three']), bounds);
  });

  it('of a user who is disabled is told nothing more, and no mail goes out', async () => {
    const { url, received } = await receiver();
    const userId = await ground.newUser('operator');
    await hook(userId, url);
    await setMailPreference(ground.trading.database, userId, 'info');
    await ground.raise(userId, ['before'], { hasMail: true });
    await ground.trading.database.transaction(async (tx) => {
      await disableUser(tx, userId);
      await stopTelling(tx, userId);
    });
    await ground.raise(userId, ['one'], { hasMail: true });
    const { rows } = await ground.database.query<{ state: string }>(
      'select state from alerts.deliveries where user_id = $1',
      [userId],
    );
    // What waited, in the webhook and in the mailbox, is given up.
    expect(rows.map(({ state }) => state)).toEqual(['failed', 'failed']);
    start();
    const other = await ground.newUser();
    await hook(other, url);
    await ground.raise(other, ['two']);
    await vi.waitFor(() => expect(causes(received)).toEqual(['two']), bounds);
  });

  it('that fails is told after those that work', async () => {
    const { database } = ground.trading;
    await database.query('delete from alerts.webhooks');
    const [failing, working] = [await ground.newUser(), await ground.newUser()];
    for (const userId of [failing, failing, failing, working]) await hook(userId, 'https://example.com/');
    await ground.raise(failing, ['before']);
    await ground.raise(working, ['after']);
    await database.query('update alerts.webhooks set failing_since = now() where user_id = $1', [failing]);
    const claim = async (limit: number): Promise<string[]> =>
      (await claimWebhookDeliveries(ground.database, { limit, leaseMs: 60_000, busy: [] })).map(
        ({ userId }) => userId,
      );
    expect(await claim(1)).toEqual([working]);
    expect(await claim(8)).toEqual([failing, failing, failing]);
  });

  it('of this machine is not called unless that is configured', async () => {
    const { url, received } = await receiver();
    const userId = await ground.newUser();
    const secure = url.replace('http:', 'https:');
    const { webhookId } = await hook(userId, secure);
    start({ allowsPrivate: false });
    await ground.raise(userId, ['one']);
    await vi.waitFor(
      async () =>
        expect((await deliveries(userId, webhookId))[0]).toMatchObject({
          answer: '127.0.0.1 is not an address of the public Internet',
        }),
      bounds,
    );
    expect(received).toEqual([]);
  });

  it('that cannot keep up is spared what is more than a thousand', async () => {
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, 'https://example.com/');
    const raise = (from: number, count: number) =>
      ground.raise(
        userId,
        Array.from({ length: count }, (_, index) => `alert ${from + index}`),
      );
    await raise(0, 990);
    await raise(990, 20);
    const states = Map.groupBy(await deliveries(userId, webhookId), ({ state }) => state);
    expect([states.get('waiting')?.length, states.get('dropped')?.length]).toEqual([1_000, 10]);
  });
});

describe('a webhook of orders', () => {
  it('is told all that happens to them, and nothing of others', async () => {
    const userId = await ground.newUser();
    const { webhookId } = await hook(userId, 'https://example.com/', 'orders');
    const alerted = await hook(userId, 'https://example.com/', 'alerts');
    const writer = ground.trading.newWriter();
    const [own, others] = [randomUUID(), randomUUID()];
    for (const [portfolioId, of] of [
      [own, userId],
      [others, randomUUID()],
    ] as const) {
      const at = { portfolioId, atUs: Date.now() * 1_000 };
      await writer.submit({
        ...at,
        kind: 'open_portfolio',
        userId: of,
        name: 'Test',
        limits: defaultLimits,
      });
      const money = { asset: 'USDT', amount: parseDecimal('1000') };
      await writer.submit({ ...at, kind: 'deposit', id: randomUUID(), ...money });
      const orderId = randomUUID();
      await writer.submit({
        ...{ ...at, kind: 'place_order', orderId },
        request: {
          ...{ source: 'binance', symbol: 'BTCUSDT', side: 'buy', type: 'limit', timeInForce: 'GTC' },
          ...{ quantity: parseDecimal('1'), price: parseDecimal('90'), postOnly: false },
        },
      });
      await writer.submit({ ...at, kind: 'cancel_order', orderId, reason: 'requested' });
      await deliverStored(ground.database, orderEventsConsumer(), portfolioId);
    }
    const told = await deliveries(userId, webhookId);
    expect(told.map(({ subject, topic }) => [subject, topic])).toEqual([
      [`${own}|3`, 'orders'],
      [`${own}|4`, 'orders'],
    ]);
    expect(await deliveries(userId, alerted.webhookId)).toEqual([]);
    const { rows } = await ground.database.query<{ body: string }>(
      'select body from alerts.deliveries where webhook_id = $1 order by created_at, subject limit 1',
      [webhookId],
    );
    expect(JSON.parse(rows[0]?.body ?? '')).toMatchObject({
      type: 'order.accepted',
      data: { number: 3, portfolioId: own, order: { status: 'open', price: '90' } },
    });
  });
});
