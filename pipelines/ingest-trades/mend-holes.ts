import { setTimeout as sleep } from 'node:timers/promises';
import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Trade } from '#core/market/trade.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { fetchIds, type IdSpan } from './fetch-ids.ts';

export interface HoleMenderOptions {
  exchange: Exchange;
  /** Writes what was fetched; resolves when it is durable. */
  write: (trades: readonly Trade[]) => Promise<void>;
  logger: Logger;
  metrics: Metrics;
}

export interface HoleMender {
  /** Ids that the socket left out; a market's holes come in ascending order. */
  add(symbol: string, hole: IdSpan): void;
  /** Resolves when every hole was asked for, or when the signal aborts: what waits then is left to the ledger. */
  drain(signal?: AbortSignal): Promise<void>;
  /** Leaves what waits to the ledger. */
  close(): Promise<void>;
}

/** Holes that wait at most; those beyond are left to the ledger. */
const waitingMax = 10_000;
/** Two fetches a second are half of what Binance allows; what gathers meanwhile is fetched together. */
const pauseMs = 500;

/**
 * Fetches holes from REST as soon as the socket shows them; where there are many, those of one market together. A hole
 * that cannot be fetched is not tried again here: the ledger of what is held lists it, and repair from there goes on.
 */
export function startHoleMender(options: HoleMenderOptions): HoleMender {
  const { exchange, write, logger, metrics } = options;
  const seen = metrics.counter('ticklake_capture_holes_total', 'Holes the socket showed');
  const left = metrics.counter(
    'ticklake_capture_holes_left_total',
    'Holes left to the ledger, as too many waited or REST did not serve them',
  );
  const waitingGauge = metrics.gauge('ticklake_capture_holes_waiting', 'Holes that wait for REST');
  const waiting = new Map<string, IdSpan[]>();
  const draining = new AbortController();
  const stopping = new AbortController();
  let count = 0;
  let running: Promise<void> | undefined;

  return {
    add(symbol, hole) {
      seen.inc();
      if (stopping.signal.aborted || count >= waitingMax) {
        left.inc();
        return;
      }
      const ofSymbol = waiting.get(symbol);
      if (ofSymbol === undefined) waiting.set(symbol, [hole]);
      else ofSymbol.push(hole);
      waitingGauge.set(++count);
      running ??= mend();
    },
    async drain(signal) {
      draining.abort();
      signal?.addEventListener('abort', giveUp, { once: true });
      if (signal?.aborted === true) giveUp();
      await running;
      signal?.removeEventListener('abort', giveUp);
    },
    async close() {
      giveUp();
      await running;
    },
  };

  function giveUp(): void {
    draining.abort();
    stopping.abort();
  }

  async function mend(): Promise<void> {
    for (const [symbol, holes] of waiting) {
      waiting.delete(symbol);
      count -= holes.length;
      waitingGauge.set(count);
      await fetchHoles(symbol, holes);
      await sleep(pauseMs, undefined, { signal: draining.signal }).catch(() => undefined);
    }
    running = undefined;
  }

  async function fetchHoles(symbol: string, holes: readonly IdSpan[]): Promise<void> {
    try {
      for await (const { trades } of fetchIds(exchange, symbol, holes, stopping.signal)) {
        if (trades.length > 0) await write(trades);
      }
    } catch (error) {
      left.inc(holes.length);
      if (stopping.signal.aborted) return;
      logger.warn({ err: error, symbol, holes: holes.length }, 'holes are left to the ledger');
    }
  }
}
