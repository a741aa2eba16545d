import { createBinanceOrderVenue } from '#core/exchanges/binance/orders/venue.ts';
import { add, decimalText, parseDecimal } from '#core/market/decimal.ts';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import type { SimulatorAccount } from '#core/exchanges/simulator/orders/account.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { hmacKey } from '#tests/core/exchanges/binance/orders/support.ts';
import { startVenueProcess } from '../venue.ts';
import type { Books, OrderStatus } from './books.ts';
import { startRoad, type Road } from './road.ts';

/**
 * The exchange that live orders go to. It is a simulator on the same tape as the one whose prices are followed, and not
 * that one, as a simulator that is killed forgets its orders, which no exchange does: this one gets out of reach instead.
 */
export interface LiveExchange {
  /** Environment of who trades there, live. */
  readonly env: Record<string, string>;
  /** The way from who trades there. */
  readonly road: Road;
  /** The same account, in hands that are not ours, past the road. */
  readonly stranger: OrderVenue;
  /** What the account had at the start, decimal text by asset. */
  readonly given: Readonly<Record<string, string>>;
  /** Lets answers get lost, orders be late, and orders not be shown at first, until it is mended. */
  trouble(): Promise<void>;
  mend(): Promise<void>;
  /** What it holds to be true, past the road and any fault. */
  books(): Promise<Books>;
  close(): Promise<void>;
}

interface Truth {
  balances: { asset: string; free: string; locked: string }[];
  orders: { symbol: string; orderId: number; clientOrderId: string; status: string; executedQty: string }[];
  fills: {
    symbol: string;
    id: number;
    orderId: number;
    price: string;
    qty: string;
    commission: string;
    commissionAsset: string;
  }[];
}

const given = { USDT: '10000000', BTC: '100', ETH: '1000', SOL: '10000' };
const symbols = 20;
const faultMs = 3_600_000;
const faults = [
  { kind: 'lost-answer', probability: 0.08 },
  { kind: '5xx-after', probability: 0.05 },
  { kind: '5xx', probability: 0.05 },
  { kind: 'no-answer', probability: 0.02 },
  { kind: 'late', probability: 0.1, delayMs: 900 },
  { kind: 'lag', probability: 0.1, delayMs: 700 },
];

/** `seed` is of the tape: that of who follows its prices. */
export async function openLiveExchange(seed: number): Promise<LiveExchange> {
  const { apiKey, secret, type } = hmacKey;
  const account: SimulatorAccount = { apiKey, type, verifyKey: secret, balances: given };
  const simulation = { seed, symbols, speed: 1, weightLimitPerMinute: 60_000 } as const;
  const simulator = await startVenueProcess({ ...simulation, accounts: [account] });
  const road = await startRoad(simulator.url);
  const stranger = createBinanceOrderVenue({
    ...{ source: 'stranger', key: hmacKey, baseUrl: simulator.url, metrics: new Metrics() },
    logger: createLogger({ level: 'silent', name: 'stranger' }),
  });
  const ask = async (path: string, init?: RequestInit): Promise<unknown> => {
    const answer = await fetch(simulator.url + path, init);
    if (!answer.ok)
      throw new Error(`the exchange answers ${answer.status} to ${path}: ${await answer.text()}`);
    return await answer.json();
  };
  return {
    ...{ road, stranger, given },
    env: {
      TICKLAKE_LIVE_TRADING: 'true',
      ...{ TICKLAKE_EXCHANGE_API_KEY: apiKey, TICKLAKE_EXCHANGE_API_SECRET: secret },
      TICKLAKE_EXCHANGE_ORDERS_URL: road.url,
    },
    async trouble() {
      for (const fault of faults)
        await ask('/simulator/faults', {
          method: 'POST',
          body: JSON.stringify({ ...fault, durationMs: faultMs }),
        });
    },
    async mend() {
      road.open();
      await ask('/simulator/faults', { method: 'DELETE' });
    },
    async books() {
      const { accounts } = (await ask('/simulator/orders')) as { accounts: Truth[] };
      const [truth] = accounts;
      if (truth === undefined) throw new Error('the exchange does not know the account');
      return booksOf(truth);
    },
    async close() {
      stranger.close();
      await road.close();
      await simulator.close();
    },
  };
}

function booksOf({ balances, orders, fills }: Truth): Books {
  const clientOrderIds = new Map(orders.map(({ orderId, clientOrderId }) => [orderId, clientOrderId]));
  return {
    orders: orders.map(({ symbol, clientOrderId, status, executedQty }) => ({
      ...{ symbol, clientOrderId, filled: plain(executedQty) },
      status: statuses[status] ?? 'rejected',
    })),
    fills: fills.map(({ symbol, id, orderId, price, qty, commission, commissionAsset }) => ({
      ...{ symbol, id, clientOrderId: clientOrderIds.get(orderId) ?? `order ${orderId}` },
      ...{ price: plain(price), quantity: plain(qty), fee: plain(commission), feeAsset: commissionAsset },
    })),
    balances: new Map(
      balances.map(({ asset, free, locked }) => [
        asset,
        decimalText(add(parseDecimal(free), parseDecimal(locked))),
      ]),
    ),
  };
}

const statuses: Readonly<Record<string, OrderStatus>> = {
  ...{ NEW: 'open', PARTIALLY_FILLED: 'partially_filled', FILLED: 'filled' },
  ...{ CANCELED: 'canceled', EXPIRED: 'expired' },
};

/** Without the zeros that say nothing. */
function plain(decimal: string): string {
  return decimalText(parseDecimal(decimal));
}
