import { openBudget } from '#core/jobs/budget.ts';
import { intervalUs, type Interval } from '#core/market/interval.ts';
import { messageOf } from '#core/platform/errors.ts';
import { bringBars } from '#pipelines/backfill-klines/bring.ts';
import type { Runtime } from './runtime.ts';
import { budgetOf, openVenue, openVenueArchive } from './venue.ts';

/** Lengths of bars that a chart is looked at in. */
const intervals: readonly Interval[] = ['1m', '5m', '15m', '1h', '4h', '1d'];
const patienceMs = 60_000;

/**
 * Brings the newest bars of the configured markets from the venue's REST, so that indicators and charts are there from the
 * start. Where it fails, or a minute is not enough, it says so, and what is missing is a gap like any other.
 */
export async function preloadBars(runtime: Runtime, bars: number, stop: AbortSignal): Promise<void> {
  const { config, logger, metrics, lake, spillDir, connection } = runtime;
  const { database } = connection;
  const signal = AbortSignal.any([stop, AbortSignal.timeout(patienceMs)]);
  try {
    const budget = openBudget({ database, logger, metrics, limits: {}, defaultLimit: budgetOf(config) });
    const exchange = await openVenue(config, logger, metrics, budget);
    try {
      const nowUs = await exchange.timeUs(signal);
      for (const interval of intervals) {
        await bringBars({
          ...{
            exchange,
            lake,
            spillDir,
            signal,
            from: 'rest',
            symbols: config.symbols,
            intervals: [interval],
          },
          openArchive: () => openVenueArchive(config, metrics),
          fromUs: nowUs - bars * intervalUs(interval),
        });
      }
    } finally {
      await exchange.close();
    }
  } catch (error) {
    if (!stop.aborted) logger.warn({ reason: messageOf(error) }, 'the newest bars were not preloaded');
  }
}
