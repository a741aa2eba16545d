import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { createAllowance, type Taken } from './allowance.ts';

/** How often this process may be asked. Several processes count for themselves. */
export interface RateLimits {
  /** One request of nobody in particular. */
  ofAddress(address: string): Charge;
  /** A user's request, whichever session or key it comes with. */
  ofUser(userId: string, weight: number): Charge;
}

export interface Charge extends Taken {
  windowSeconds: number;
}

export interface RateLimitOptions {
  config: { apiAddressRequests: number; apiUserWeight: number };
  metrics: Metrics;
}

const addressWindowSeconds = 900;
const userWindowSeconds = 60;
const addressesMax = 20_000;
const usersMax = 20_000;

export function createRateLimits({ config, metrics }: RateLimitOptions): RateLimits {
  const refused = metrics.counter('ticklake_api_rate_limited_total', 'Requests above a limit', ['of']);
  const addresses = createAllowance({
    ...{ limit: config.apiAddressRequests, windowMs: addressWindowSeconds * 1_000, keysMax: addressesMax },
  });
  const users = createAllowance({
    ...{ limit: config.apiUserWeight, windowMs: userWindowSeconds * 1_000, keysMax: usersMax },
  });

  return {
    ofAddress: (address) => counted('address', addresses.take(address, 1), addressWindowSeconds),
    ofUser: (userId, weight) => counted('user', users.take(userId, weight), userWindowSeconds),
  };

  function counted(of: string, taken: Taken, windowSeconds: number): Charge {
    if (taken.isOver) refused.inc({ of });
    return { ...taken, windowSeconds };
  }
}

/** @throws RATE_LIMITED where a charge was above its limit */
export function assertWithin({ isOver, limit, windowSeconds, resetSeconds }: Charge): void {
  if (!isOver) return;
  throw new TicklakeError('RATE_LIMITED', `more than ${limit} in ${windowSeconds} seconds`, {
    remedy: `Ask again in ${resetSeconds} seconds; who signs in may ask more often.`,
    context: { retryAfterSeconds: resetSeconds },
  });
}
