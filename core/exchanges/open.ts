import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { simulatorState } from './binance/answers.ts';
import { binanceHosts, createBinanceExchange, defaultWeightLimit } from './binance/exchange.ts';
import { createHttpClient } from './binance/http.ts';
import type { SharedBudget } from './binance/shared-budget.ts';
import type { Exchange } from './exchange.ts';

export interface OpenExchangeOptions {
  exchange: 'binance' | 'simulator';
  /** Base URL of REST; needed for the simulator. */
  url?: string;
  /** Base URL of the websocket; the simulator's default is `url` with `ws:` for `http:`. */
  wsUrl?: string;
  /** Request weight shared with other processes. */
  budget?: SharedBudget;
  logger: Logger;
  metrics: Metrics;
}

/**
 * Opens a venue by name. A simulator is asked for its seed, which is part of its name in the lake
 * (`simulator:42`): two tapes never mix. Throws USAGE, EXCHANGE_UNREACHABLE, EXCHANGE_MALFORMED.
 */
export async function openExchange(options: OpenExchangeOptions): Promise<Exchange> {
  const { url, wsUrl, logger, metrics, budget } = options;
  if (options.exchange === 'binance') {
    return createBinanceExchange({
      ...{ source: 'binance', logger, metrics, budget },
      ...(url === undefined ? {} : { restUrl: url }),
      ...(wsUrl === undefined ? {} : { wsUrl }),
    });
  }
  if (url === undefined) throw noAddress();
  return createBinanceExchange({
    ...{ source: `simulator:${await seedOf(url, logger, metrics)}`, logger, metrics, budget },
    restUrl: url,
    wsUrl: wsUrl ?? url.replace(/^http/, 'ws'),
  });
}

/**
 * Where a venue's bulk archive is, for `openArchive`: what `archive` says (a folder or a URL), else the venue's own
 * host; a simulator serves it beside its REST. Throws USAGE.
 */
export function archiveLocation(
  venue: Pick<OpenExchangeOptions, 'exchange' | 'url'>,
  archive?: string,
): string {
  if (archive !== undefined) return archive;
  if (venue.exchange === 'binance') return binanceHosts.archiveUrl;
  if (venue.url === undefined) throw noAddress();
  return venue.url;
}

function noAddress(): TicklakeError {
  return new TicklakeError('USAGE', 'the simulator has no fixed address', {
    remedy: 'Give its URL, or start one in this process.',
  });
}

async function seedOf(url: string, logger: Logger, metrics: Metrics): Promise<number> {
  const http = createHttpClient({
    ...{ source: 'simulator', logger, metrics },
    baseUrl: url,
    weightLimit: defaultWeightLimit,
  });
  try {
    return (await http.get(simulatorState, {}, 0)).seed;
  } finally {
    http.close();
  }
}
