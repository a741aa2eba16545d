import { setTimeout as sleep } from 'node:timers/promises';
import { toTicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { openAuditKey, openHeadSigner } from '#core/trading/signed-heads.ts';
import { auditPlaces } from '#core/trading/audit-places.ts';

export interface SigningOptions {
  database: Database;
  dataDir: string;
  logger: Logger;
  metrics: Metrics;
}

export interface Signing {
  /** Signs once more. */
  close(): Promise<void>;
}

const signEveryMs = 60_000;

/** Signs the newest events of all portfolios every minute, into files outside Postgres. */
export async function startSigning({ database, dataDir, logger, metrics }: SigningOptions): Promise<Signing> {
  const { keyFile, headsDir } = auditPlaces(dataDir);
  const signer = await openHeadSigner(headsDir, await openAuditKey(keyFile));
  const signed = metrics.counter('ticklake_trading_signed_heads_total', 'Heads of chains that were signed');
  const stopping = new AbortController();
  const running = (async () => {
    while (!stopping.signal.aborted) {
      await sleep(signEveryMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      try {
        signed.inc(await signer.sign(database, Date.now() * 1_000));
      } catch (error) {
        logger.warn({ err: toTicklakeError(error) }, 'heads of chains were not signed; it is tried again');
      }
    }
  })();
  return {
    async close() {
      stopping.abort();
      await running;
    },
  };
}
