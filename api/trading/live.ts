import { recordAudit, type AuditEntry } from '#core/identity/audit.ts';
import type { Caller } from '#core/identity/sessions.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Guard } from '#core/trading/writer.ts';

/**
 * Whether a caller may have money of an account at an exchange traded.
 * @param liveSource the venue that the service is configured to trade at
 * @param venue the venue that is meant, where it is another
 * @throws LIVE_TRADING_OFF, FORBIDDEN
 */
export function assertLive(
  { role }: Pick<Caller, 'role'>,
  liveSource: string | undefined,
  venue = liveSource,
): asserts liveSource is string {
  if (liveSource === undefined || liveSource !== venue)
    throw new TicklakeError('LIVE_TRADING_OFF', 'this service sends no orders to an exchange', {
      remedy: 'Set liveTrading to true and exchangeApiKey with its secret, for the API and the trader alike.',
    });
  if (role !== 'operator' && role !== 'admin')
    throw new TicklakeError('FORBIDDEN', 'a live portfolio is for operators and admins', {
      remedy: 'Trade on paper; `ticklake users` gives roles.',
    });
}

/** Gives the account at a venue its portfolio, with what opens that. @throws ALREADY_EXISTS where it has another */
export function accountGuard(
  source: string,
  portfolioId: string,
  by: Pick<AuditEntry, 'actorId' | 'address'>,
): Guard {
  return async (tx) => {
    const { rowCount } = await tx.query(
      'insert into trading.live_accounts (source, portfolio_id) values ($1, $2) on conflict do nothing',
      [source, portfolioId],
    );
    if (rowCount === 1) {
      const detail = `portfolio ${portfolioId} at ${source}`;
      return await recordAudit(tx, { ...by, event: 'live_portfolio_opened', detail });
    }
    throw new TicklakeError('ALREADY_EXISTS', `the account at ${source} has its portfolio already`, {
      remedy: 'Trade in that one; GET /v1/portfolios lists it to whose it is.',
    });
  };
}
