import {
  circuitBreaker,
  CircuitState,
  ConsecutiveBreaker,
  handleWhen,
  isBrokenCircuitError,
  type CircuitBreakerPolicy,
} from 'cockatiel';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { BarData } from './bar-data.ts';
import type { CandleData } from './candle-data.ts';
import type { MarketData } from './market-data.ts';
import type { BreakerHealth } from './schemas/health.ts';

const failuresInARowMax = 5;
const openMs = 2_000;
const states = {
  [CircuitState.Closed]: 'closed',
  [CircuitState.HalfOpen]: 'half-open',
  [CircuitState.Open]: 'open',
  [CircuitState.Isolated]: 'open',
} as const;

export interface Breaker {
  health(): BreakerHealth;
  run<T>(work: () => Promise<T>): Promise<T>;
}

/**
 * Fails at once while something does not answer, instead of letting every request wait for it; tries again every
 * two seconds. Only outages count as failures, not requests that were wrong or too slow.
 */
export function createBreaker(name: string, metrics: Metrics): Breaker {
  const policy: CircuitBreakerPolicy = circuitBreaker(
    handleWhen(
      (error) => isTicklakeError(error, 'DATABASE_UNREACHABLE') || isTicklakeError(error, 'UNAVAILABLE'),
    ),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failuresInARowMax) },
  );
  const open = metrics.gauge('ticklake_api_breaker_open', 'Whether a circuit breaker is open', ['breaker']);
  open.set({ breaker: name }, 0);
  policy.onStateChange((state) => open.set({ breaker: name }, state === CircuitState.Closed ? 0 : 1));
  return {
    health: () => ({ name, state: states[policy.state] }),
    async run(work) {
      try {
        return await policy.execute(work);
      } catch (error) {
        if (!isBrokenCircuitError(error)) throw error;
        throw new TicklakeError('UNAVAILABLE', `${name} did not answer ${failuresInARowMax} times in a row`, {
          remedy: 'Ask again in a few seconds; /health says what is down.',
        });
      }
    },
  };
}

/** The same market data behind a breaker. */
export function guarded(data: MarketData, breaker: Breaker): MarketData {
  return {
    sources: (symbol) => breaker.run(() => data.sources(symbol)),
    markets: (source) => breaker.run(() => data.markets(source)),
    trades: (request, signal) => breaker.run(() => data.trades(request, signal)),
    tables: () => breaker.run(() => data.tables()),
    coverage: (filter) => breaker.run(() => data.coverage(filter)),
    coverageByDay: (filter) => breaker.run(() => data.coverageByDay(filter)),
    gaps: (filter) => breaker.run(() => data.gaps(filter)),
    quality: () => breaker.run(() => data.quality()),
  };
}

/** The same bars behind a breaker. */
export function guardedBars(data: BarData, breaker: Breaker): BarData {
  return {
    sources: (interval, symbol) => breaker.run(() => data.sources(interval, symbol)),
    statistics: (request, signal) => breaker.run(() => data.statistics(request, signal)),
    summary: (source, interval, signal) => breaker.run(() => data.summary(source, interval, signal)),
    rankings: (request, signal) => breaker.run(() => data.rankings(request, signal)),
  };
}

/** The same bars of single markets behind a breaker. */
export function guardedCandles(data: CandleData, breaker: Breaker): CandleData {
  return {
    sources: (interval, symbol) => breaker.run(() => data.sources(interval, symbol)),
    candles: (request, signal) => breaker.run(() => data.candles(request, signal)),
    indicators: (request, signal) => breaker.run(() => data.indicators(request, signal)),
    latestIndicators: (of, signal) => breaker.run(() => data.latestIndicators(of, signal)),
  };
}
