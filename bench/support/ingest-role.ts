import { supervise, type SupervisedRole } from '#cli/supervisor.ts';
import type { Runtime } from '#cli/runtime.ts';
import type { Venue } from './venue.ts';

const readyMsMax = 60_000;

/** `ticklake run ingest` on the runtime's data dir, at its default configuration, listening to the venue. */
export async function startIngestRole(
  { config, logger }: Runtime,
  venue: Venue,
  symbols: readonly string[],
): Promise<SupervisedRole> {
  return await supervise({
    ...{ name: 'ingest', logger, readyTimeoutMs: readyMsMax },
    env: {
      TICKLAKE_DATA_DIR: config.dataDir,
      TICKLAKE_LOG_LEVEL: 'error',
      TICKLAKE_EXCHANGE: 'binance',
      TICKLAKE_EXCHANGE_URL: venue.url,
      TICKLAKE_EXCHANGE_WS_URL: venue.wsUrl,
      TICKLAKE_SYMBOLS: symbols.join(','),
    },
  });
}
