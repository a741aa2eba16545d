import { sourceOf } from '#core/market/source.ts';
import type { Config } from '#core/platform/config.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { ExchangeKey } from './binance/orders/sign.ts';
import { binanceOrdersUrl, createBinanceOrderVenue } from './binance/orders/venue.ts';
import type { OrderVenue } from './order-venue.ts';

type KeyConfig = Pick<Config, 'exchangeApiKey' | 'exchangeApiSecret' | 'exchangeApiKeyType'>;
export type OrderVenueConfig = KeyConfig &
  Pick<Config, 'exchange' | 'simulatorSeed' | 'liveTrading' | 'exchangeOrdersUrl'>;

export interface OpenOrderVenueOptions {
  config: OrderVenueConfig;
  /** Where the simulator is, if `exchangeOrdersUrl` does not say. */
  simulatorUrl?: string;
  logger: Logger;
  metrics: Metrics;
}

/**
 * The venue for orders of the configured account; undefined unless it is configured twice: by a key, and by `liveTrading`.
 * Throws CONFIG_INVALID where the key is not of its form, USAGE where a simulator has no address.
 */
export function openOrderVenue({ config, ...options }: OpenOrderVenueOptions): OrderVenue | undefined {
  const { logger, metrics } = options;
  const key = exchangeKeyOf(config);
  if (!config.liveTrading || key === undefined) return undefined;
  // Orders that are meant for a simulator go nowhere else.
  const own = config.exchange === 'simulator' ? options.simulatorUrl : binanceOrdersUrl;
  const baseUrl = config.exchangeOrdersUrl ?? own;
  if (baseUrl !== undefined)
    return createBinanceOrderVenue({ source: sourceOf(config), key, baseUrl, logger, metrics });
  throw new TicklakeError('USAGE', 'the simulator has no fixed address', {
    remedy: 'Give its URL as exchangeOrdersUrl.',
  });
}

/** The key of the account, where there is one. */
export function exchangeKeyOf(config: KeyConfig): ExchangeKey | undefined {
  const { exchangeApiKey: apiKey, exchangeApiSecret: secret, exchangeApiKeyType: type } = config;
  return apiKey === undefined || secret === undefined ? undefined : { type, apiKey, secret };
}
