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
import type { PriceHistory } from './price-history.ts';
import type { BreakerHealth } from './schemas/health.ts';

const failuresInARowMax = 5;
const openMs = 2_000;
const outages = ['DATABASE_UNREACHABLE', 'LOG_UNREACHABLE', 'UNAVAILABLE'] as const;
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
 * two seconds, with one request, which others do not wait for either. Only outages count as failures, not requests that were
 * wrong or too slow. Work must not run other work behind the same breaker.
 */
export function createBreaker(name: string, metrics: Metrics): Breaker {
  const policy: CircuitBreakerPolicy = circuitBreaker(
    handleWhen((error) => outages.some((code) => isTicklakeError(error, code))),
    { halfOpenAfter: openMs, breaker: new ConsecutiveBreaker(failuresInARowMax) },
  );
  const open = metrics.gauge('ticklake_api_breaker_open', 'Whether a circuit breaker is open', ['breaker']);
  open.set({ breaker: name }, 0);
  policy.onStateChange((state) => open.set({ breaker: name }, state === CircuitState.Closed ? 0 : 1));
  return {
    health: () => ({ name, state: states[policy.state] }),
    async run(work) {
      if (policy.state === CircuitState.HalfOpen) throw refused(name);
      try {
        return await policy.execute(work);
      } catch (error) {
        throw isBrokenCircuitError(error) ? refused(name) : error;
      }
    },
  };
}

function refused(name: string): TicklakeError {
  return new TicklakeError('UNAVAILABLE', `${name} did not answer ${failuresInARowMax} times in a row`, {
    remedy: 'Ask again in a few seconds; /health says what is down.',
  });
}

/** What is told of the lake by Postgres alone goes on while its files cannot be read. */
export interface LakeBreakers {
  postgres: Breaker;
  /** Of what reads files, too. */
  files: Breaker;
}

/** The same market data behind breakers. */
export function guarded(data: MarketData, { postgres, files }: LakeBreakers): MarketData {
  return {
    sources: (symbol) => postgres.run(() => data.sources(symbol)),
    markets: (source) => files.run(() => data.markets(source)),
    trades: (request, signal) => files.run(() => data.trades(request, signal)),
    tables: () => files.run(() => data.tables()),
    coverage: (filter) => postgres.run(() => data.coverage(filter)),
    coverageByDay: (filter) => postgres.run(() => data.coverageByDay(filter)),
    gaps: (filter) => postgres.run(() => data.gaps(filter)),
    quality: () => files.run(() => data.quality()),
  };
}

/** The same bars behind breakers. */
export function guardedBars(data: BarData, { postgres, files }: LakeBreakers): BarData {
  return {
    sources: (interval, symbol) => postgres.run(() => data.sources(interval, symbol)),
    statistics: (request, signal) => files.run(() => data.statistics(request, signal)),
    summary: (source, interval, signal) => files.run(() => data.summary(source, interval, signal)),
    rankings: (request, signal) => files.run(() => data.rankings(request, signal)),
  };
}

/** The same bars of single markets behind breakers. */
export function guardedCandles(data: CandleData, { postgres, files }: LakeBreakers): CandleData {
  return {
    sources: (interval, symbol) => postgres.run(() => data.sources(interval, symbol)),
    candles: (request, signal) => files.run(() => data.candles(request, signal)),
    indicators: (request, signal) => files.run(() => data.indicators(request, signal)),
    latestIndicators: (of, signal) => files.run(() => data.latestIndicators(of, signal)),
  };
}

/** The same prices behind a breaker. */
export function guardedPrices(prices: PriceHistory, breaker: Breaker): PriceHistory {
  return { closes: (request, signal) => breaker.run(() => prices.closes(request, signal)) };
}
