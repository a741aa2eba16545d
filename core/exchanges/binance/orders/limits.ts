import { RequestWeight } from '#core/exchanges/binance/request-weight.ts';
import { countOf, forbiddenMs, weightUsed } from '#core/exchanges/binance/response.ts';
import type { Metrics } from '#core/platform/metrics.ts';

export interface LimitOptions {
  source: string;
  /** Request weight a minute. */
  weightPerMinute: number;
  /** Orders that an account may place in ten seconds, and in a day. */
  ordersPer10s: number;
  ordersPerDay: number;
  /** Longest wait for a turn; what would wait longer is refused with RATE_LIMITED, unsent. */
  maxWaitMs: number;
  metrics: Metrics;
}

/** What a request counts for. */
export interface RequestCost {
  weight: number;
  orders: number;
}

/** A turn that was given. */
export interface Turn {
  /** The request is over: the venue's counts are in its answer, if it had one. `code` is the venue's own. */
  end(response: Response | undefined, code?: number): void;
}

const dayMs = 86_400_000;
const tooManyOrders = -1015;
/** The venue does not say when it takes orders again. */
const orderPauseMs = 10_000;

/** Keeps an account's requests under the venue's limits: the weight of all, and the number of orders. */
export class VenueLimits {
  readonly #weight: RequestWeight;
  readonly #orders: readonly { limit: RequestWeight; header: string; interval: string }[];
  readonly #source: string;
  readonly #meters: ReturnType<typeof createMeters>;

  constructor(options: LimitOptions) {
    const { maxWaitMs, source } = options;
    const limit = (most: number, windowMs: number) => new RequestWeight({ limit: most, windowMs, maxWaitMs });
    this.#source = source;
    this.#weight = limit(options.weightPerMinute, 60_000);
    this.#orders = [
      { limit: limit(options.ordersPer10s, 10_000), header: 'x-mbx-order-count-10s', interval: '10s' },
      { limit: limit(options.ordersPerDay, dayMs), header: 'x-mbx-order-count-1d', interval: '1d' },
    ];
    this.#meters = createMeters(options.metrics);
  }

  /** Waits for a turn under all limits. Throws RATE_LIMITED, and the signal's reason. */
  async take({ weight, orders }: RequestCost, signal: AbortSignal): Promise<Turn> {
    const taken: ((response?: Response) => void)[] = [];
    try {
      if (orders > 0) {
        for (const { limit, header } of this.#orders) {
          const window = await limit.take(orders, signal);
          taken.push((response) =>
            limit.settle(orders, window, countOf(response?.headers.get(header) ?? null)),
          );
        }
      }
      const window = await this.#weight.take(weight, signal);
      taken.push((response) =>
        this.#weight.settle(weight, window, response === undefined ? undefined : weightUsed(response)),
      );
    } catch (error) {
      for (const end of taken) end();
      throw error;
    }
    return {
      end: (response, code) => {
        for (const end of taken) end(response);
        if (response !== undefined) this.#heed(response, code);
        this.#show();
      },
    };
  }

  #heed(response: Response, code: number | undefined): void {
    const ms = forbiddenMs(response);
    if (ms === undefined) return;
    // Too many orders forbid no question about them.
    if (code === tooManyOrders) for (const { limit } of this.#orders) limit.forbid(orderPauseMs);
    else this.#weight.forbid(ms);
  }

  #show(): void {
    const source = this.#source;
    this.#meters.weight.set({ source }, this.#weight.used);
    for (const { limit, interval } of this.#orders) this.#meters.orders.set({ source, interval }, limit.used);
  }
}

function createMeters(metrics: Metrics) {
  return {
    weight: metrics.gauge(
      'ticklake_order_venue_weight_used',
      'Request weight used in this minute, by the order venue.',
      ['source'],
    ),
    orders: metrics.gauge(
      'ticklake_order_venue_orders_used',
      'Orders that count in this interval, by the order venue.',
      ['source', 'interval'],
    ),
  };
}
