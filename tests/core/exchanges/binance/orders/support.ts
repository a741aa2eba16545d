import { generateKeyPairSync } from 'node:crypto';
import type { ExchangeKey } from '#core/exchanges/binance/orders/sign.ts';
import {
  createBinanceOrderVenue,
  type BinanceOrderVenueOptions,
} from '#core/exchanges/binance/orders/venue.ts';
import type { OrderVenue, VenueOrderRequest } from '#core/exchanges/order-venue.ts';
import type { SimulatorAccount } from '#core/exchanges/simulator/orders/account.ts';
import type { SimulatorOptions } from '#core/exchanges/simulator/server.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openSimulator, type Opened } from '../../simulator/support.ts';

export const hmacKey: ExchangeKey = { type: 'hmac', apiKey: 'test-key', secret: 'hush-hush-hush' };

const pair = generateKeyPairSync('ed25519');
export const ed25519Key: ExchangeKey = {
  type: 'ed25519',
  apiKey: 'test-key-2',
  secret: pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
};

const balances = { USDT: '100000', BTC: '2' };
export const accounts: readonly SimulatorAccount[] = [
  { apiKey: hmacKey.apiKey, type: 'hmac', verifyKey: hmacKey.secret, balances },
  {
    ...{ apiKey: ed25519Key.apiKey, type: 'ed25519' as const, balances },
    verifyKey: pair.publicKey.export({ type: 'spki', format: 'pem' }).toString(),
  },
];

/** What the venue holds to be true, whoever asks. */
export interface Truth {
  balances: { asset: string; free: string; locked: string }[];
  orders: { clientOrderId: string; orderId: number; status: string; executedQty: string }[];
  fills: { id: number; orderId: number; qty: string; price: string }[];
}

export interface OpenedVenue extends AsyncDisposable {
  simulator: Opened;
  venue: OrderVenue;
  /** The same account at another address; closed with the rest. */
  venueAt(baseUrl: string, options?: Partial<BinanceOrderVenueOptions>): OrderVenue;
  /** Of the account whose key the venue has. */
  truth(): Promise<Truth>;
  figure(name: string, labels?: string): Promise<number>;
  /** Best prices and sizes of BTCUSDT. */
  best(): Promise<{ bid: number; ask: number; bidSize: number; askSize: number }>;
  /** An order's id and time. */
  meant(clientOrderId: string, forMs?: number): Promise<MeantBtc>;
  close(): Promise<void>;
}

type MeantBtc = Pick<VenueOrderRequest, 'symbol' | 'clientOrderId' | 'validUntilUs'>;

/** The adapter on a simulator of its own. */
export async function openVenue(
  options: Partial<BinanceOrderVenueOptions> = {},
  simulation: Partial<SimulatorOptions> = {},
): Promise<OpenedVenue> {
  const simulator = await openSimulator({ symbols: 5, accounts, ...simulation });
  const metrics = new Metrics();
  const venues: OrderVenue[] = [];
  const venueAt = (baseUrl: string, more: Partial<BinanceOrderVenueOptions> = {}) => {
    const made = createBinanceOrderVenue({
      ...{ source: simulator.source, key: hmacKey, baseUrl, metrics, timeoutMs: 20_000 },
      ...{ logger: createLogger({ level: 'silent', name: 'test' }), ...options, ...more },
    });
    venues.push(made);
    return made;
  };
  const venue = venueAt(simulator.url);
  const which = accounts.findIndex(({ apiKey }) => apiKey === (options.key ?? hmacKey).apiKey);
  const close = async () => {
    for (const made of venues) made.close();
    await simulator.close();
  };
  return {
    simulator,
    venue,
    venueAt,
    async truth() {
      const { body } = await simulator.get('/simulator/orders');
      const truth = (body as { accounts: Truth[] }).accounts[which];
      if (truth === undefined) throw new Error('the simulator does not know the account');
      return truth;
    },
    async figure(name, labels = '') {
      const lines = (await metrics.registry.metrics()).split('\n');
      const line = lines.find((text) => text.startsWith(name) && text.includes(labels));
      return Number(line?.split(' ').at(-1) ?? 0);
    },
    async best() {
      const { body } = await simulator.get('/api/v3/ticker/bookTicker?symbol=BTCUSDT');
      const best = body as Record<'bidPrice' | 'askPrice' | 'bidQty' | 'askQty', string>;
      return {
        ...{ bid: Number(best.bidPrice), ask: Number(best.askPrice) },
        ...{ bidSize: Number(best.bidQty), askSize: Number(best.askQty) },
      };
    },
    async meant(clientOrderId, forMs = 20_000) {
      const validUntilUs = (await venue.nowUs()) + forMs * 1000;
      return { symbol: 'BTCUSDT', clientOrderId, validUntilUs };
    },
    close,
    [Symbol.asyncDispose]: close,
  };
}
