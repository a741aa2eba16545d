import type { SupervisedRole } from '#cli/supervisor.ts';
import type { Runtime } from '#cli/runtime.ts';
import { startRole } from './role.ts';
import type { Venue } from './venue.ts';

/** `ticklake run ingest` on the runtime's data dir, at its default configuration, listening to the venue. */
export async function startIngestRole(
  runtime: Runtime,
  venue: Venue,
  symbols: readonly string[],
): Promise<SupervisedRole> {
  return await startRole(runtime, 'ingest', {
    TICKLAKE_EXCHANGE: 'binance',
    TICKLAKE_EXCHANGE_URL: venue.url,
    TICKLAKE_EXCHANGE_WS_URL: venue.wsUrl,
    TICKLAKE_SYMBOLS: symbols.join(','),
  });
}
