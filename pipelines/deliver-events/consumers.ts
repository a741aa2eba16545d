import type { Metrics } from '#core/platform/metrics.ts';
import { figures } from '../aggregate-trading/consumer.ts';
import { orderExport } from '../export-orders/consumer.ts';
import type { Pseudonym } from '../export-orders/pseudonyms.ts';
import { differencesConsumer } from '../report-differences/consumer.ts';
import { orderEventsConsumer } from '../send-notifications/order-events.ts';
import { conductConsumer } from '../watch-conduct/watch.ts';
import type { EventConsumer } from './consumer.ts';

/** All that is made of the events of trading, each by itself. */
export function eventConsumers(options: {
  hasMail: boolean;
  metrics: Metrics;
  pseudonym: Pseudonym;
}): EventConsumer[] {
  return [
    conductConsumer(options),
    orderEventsConsumer(),
    differencesConsumer(options),
    figures(),
    orderExport(options.pseudonym),
  ];
}
