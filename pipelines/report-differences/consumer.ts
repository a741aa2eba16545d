import type { NewAlert } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import { isHalting } from '#core/trading/live.ts';
import type { EventConsumer } from '../deliver-events/consumer.ts';

/** Raises an alert for each difference between an exchange and the books of its portfolio, which is in the chain once. */
export function differencesConsumer({ hasMail }: { hasMail: boolean }): EventConsumer {
  return {
    name: 'report-differences',
    async handle(events, tx) {
      const alerts = events.flatMap(({ portfolioId, event }): NewAlert[] => {
        if (event.type !== 'venue_differs') return [];
        const { kind, key, cause } = event.difference;
        return [
          {
            causeKey: `venue_difference|${portfolioId}|${key}`,
            kind: 'venue_difference',
            severity: isHalting(event.difference) ? 'critical' : 'warning',
            cause: isHalting(event.difference) ? `${cause}. The portfolio is halted` : cause,
            detail: { difference: kind, eventNumber: event.number },
            audience: 'operators',
            portfolioId,
          },
        ];
      });
      await announce(tx, alerts, { hasMail });
    },
  };
}
