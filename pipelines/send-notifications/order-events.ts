import { messageText, queueOrderEvents } from '#core/alerts/deliveries.ts';
import { eventText } from '#core/trading/codec.ts';
import type { EventConsumer } from '../deliver-events/consumer.ts';

/** Queues what happens to orders for the webhooks that their users have for it. */
export function orderEventsConsumer(): EventConsumer {
  return {
    name: 'notify-orders',
    async handle(events, tx) {
      const ofOrders = events.filter(({ event: { type } }) => type.startsWith('order_'));
      const portfolioIds = new Set(ofOrders.map(({ portfolioId }) => portfolioId));
      if (portfolioIds.size === 0) return;
      const { rows } = await tx.query<{ id: string }>(
        `select p.portfolio_id as id from trading.portfolios p
          where p.portfolio_id = any($1) and exists (
            select from alerts.webhooks w where w.user_id = p.user_id and w.is_active and 'orders' = any(w.topics))`,
        [[...portfolioIds]],
      );
      const told = new Set(rows.map(({ id }) => id));
      const wanted = ofOrders.filter(({ portfolioId }) => told.has(portfolioId));
      if (wanted.length === 0) return;
      await queueOrderEvents(
        tx,
        wanted.map(({ portfolioId, event }) => ({
          portfolioId,
          subject: `${portfolioId}|${event.number}`,
          body: messageText(
            event.type.replace('_', '.'),
            new Date(event.atUs / 1_000),
            eventText(portfolioId, event),
          ),
        })),
      );
    },
  };
}
