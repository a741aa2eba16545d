import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openArchive, type Archive } from '#core/exchanges/binance/archive/archive.ts';
import type { SharedBudget } from '#core/exchanges/binance/shared-budget.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { openOrderVenue } from '#core/exchanges/open-order-venue.ts';
import { archiveLocation, openExchange } from '#core/exchanges/open.ts';
import type { OrderVenue } from '#core/exchanges/order-venue.ts';
import type { BudgetLimit } from '#core/jobs/budget.ts';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';

/**
 * Opens the configured venue. A simulator is the one at the configured address, else the one that `ticklake up` or
 * `ticklake run exchange` runs on this data dir. Its request weight may be shared with others. Throws EXCHANGE_UNREACHABLE.
 */
export async function openVenue(
  config: Config,
  logger: Logger,
  metrics: Metrics,
  budget?: SharedBudget,
): Promise<Exchange> {
  const { exchange } = config;
  return await openExchange({
    ...{ exchange, logger, metrics, ...(await placeOf(config)) },
    ...(budget === undefined ? {} : { budget }),
  });
}

/** Opens the bulk archive of the configured venue, or the one that is configured. Throws EXCHANGE_UNREACHABLE, NOT_FOUND. */
export async function openVenueArchive(config: Config, metrics: Metrics): Promise<Archive> {
  const { exchange, archive } = config;
  const place = archive === undefined ? await placeOf(config) : {};
  return await openArchive({ location: archiveLocation({ exchange, ...place }, archive), metrics });
}

/** Opens the configured account for orders; undefined unless it is configured twice. Throws CONFIG_INVALID, EXCHANGE_UNREACHABLE. */
export async function openOrders(
  config: Config,
  logger: Logger,
  metrics: Metrics,
): Promise<OrderVenue | undefined> {
  if (!config.liveTrading) return undefined;
  const isPlaced = config.exchange !== 'simulator' || config.exchangeOrdersUrl !== undefined;
  const { url }: Place = isPlaced ? {} : await placeOf(config);
  return openOrderVenue({
    ...{ config, logger, metrics },
    ...(url === undefined ? {} : { simulatorUrl: url }),
  });
}

/** No request of ours weighs more; a burst below it would forbid that request. */
const heaviestRequest = 100;

/** The request weight of a venue that all processes on one Postgres share. */
export function budgetOf({ jobsWeightPerMinute: perMinute }: Config): BudgetLimit {
  return { perMinute, burst: Math.max(heaviestRequest, Math.ceil(perMinute / 4)) };
}

interface Place {
  url?: string;
  wsUrl?: string;
}

async function placeOf(config: Config): Promise<Place> {
  if (config.exchangeUrl !== undefined) {
    return {
      url: config.exchangeUrl,
      ...(config.exchangeWsUrl === undefined ? {} : { wsUrl: config.exchangeWsUrl }),
    };
  }
  if (config.exchange !== 'simulator') return {};
  try {
    const place = JSON.parse(
      await readFile(join(config.dataDir, 'run', 'exchange.json'), 'utf8'),
    ) as Required<Place>;
    return { url: place.url, wsUrl: place.wsUrl };
  } catch (error) {
    throw new TicklakeError('EXCHANGE_UNREACHABLE', 'no simulator has run in this data dir', {
      cause: error,
      remedy: 'Start one with `ticklake run exchange`, or name one by TICKLAKE_EXCHANGE_URL.',
    });
  }
}
