import type { Static } from 'typebox';
import type { Alert, AlertsQuery } from '../schemas/alerts.ts';
import type { NewPriceAlert, PriceAlert } from '../schemas/price-alerts.ts';
import { queryOf, type Asker, type Page } from './ask.ts';

/** What a user should know of, and the prices they want to be told of. */
export interface AlertClient {
  /** The newest first. */
  list(of: Partial<Static<typeof AlertsQuery>>, signal?: AbortSignal): Promise<Page<Alert>>;
  /** Says that the user has seen to it. */
  acknowledge(alertId: string): Promise<Alert>;
  /** The newest first, those that were told included. */
  priceAlerts(signal?: AbortSignal): Promise<Page<PriceAlert>>;
  /** Asks to be told once when a market reaches a price. */
  setPriceAlert(alert: NewPriceAlert): Promise<PriceAlert>;
  deletePriceAlert(priceAlertId: string): Promise<void>;
}

export function createAlertClient({ ask }: Asker): AlertClient {
  return {
    list: (of, signal) => ask(`/v1/alerts?${queryOf(of)}`, { signal }),
    acknowledge: (id) => ask(`/v1/alerts/${id}/acknowledge`, { method: 'POST' }),
    priceAlerts: (signal) => ask('/v1/price-alerts', { signal }),
    setPriceAlert: (body) => ask('/v1/price-alerts', { method: 'POST', body }),
    deletePriceAlert: (id) => ask(`/v1/price-alerts/${id}`, { method: 'DELETE' }),
  };
}
