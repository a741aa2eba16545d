import { appendFileSync } from 'node:fs';
import { createBinanceOrderVenue } from '#core/exchanges/binance/orders/venue.ts';
import type { VenueOrderRequest } from '#core/exchanges/order-venue.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';

/**
 * Places orders until it is killed: `node live-orders-program.ts URL API_KEY SECRET FILE RUN`. Each order is in the file before it
 * is sent, and its answer after it came, a JSON line each.
 */
const [baseUrl = '', apiKey = '', secret = '', file = '', run = ''] = process.argv.slice(2);
const lanes = 3;
const takenForUs = 2_500_000;

const venue = createBinanceOrderVenue({
  ...{ source: 'simulator', key: { type: 'hmac', apiKey, secret }, baseUrl, metrics: new Metrics() },
  ...{ logger: createLogger({ level: 'silent', name: 'live-orders' }), timeoutMs: 500 },
});
const note = (line: object) => appendFileSync(file, `${JSON.stringify(line)}\n`);

async function place(lane: number): Promise<never> {
  for (let i = 0; ; i++) {
    const order: VenueOrderRequest = {
      ...{ symbol: 'BTCUSDT', clientOrderId: `${run}-${lane}-${i}`, quantity: '0.00100' },
      validUntilUs: (await venue.nowUs()) + takenForUs,
      side: i % 2 === 0 ? 'buy' : 'sell',
      ...(i % 3 === 0 ? { type: 'market' } : { type: 'limit_maker', price: i % 2 === 0 ? '50000' : '90000' }),
    };
    note({ meant: order });
    const answer = await venue.place(order);
    note({ clientOrderId: order.clientOrderId, answer: answer.kind });
  }
}

await Promise.all(Array.from({ length: lanes }, (_, lane) => place(lane)));
