import { TicklakeError } from '#core/platform/errors.ts';
import type { Hours } from '#core/trading/analytics/sums.ts';
import type { Whose } from '#core/trading/analytics/steps.ts';
import { hourOf } from '#core/trading/analytics/figures.ts';
import { instantUs } from '../format.ts';
import { reachesAll, type Asker } from '../rights.ts';
import type { Owners } from '../trading/owners.ts';

/** Later than any event. */
const alwaysUs = 8_640_000_000_000_000;

/**
 * Whose figures a request is about: of the portfolio or the user it names, else of all that the caller reaches.
 * @throws NOT_FOUND for what the caller does not reach, or there is not
 */
export async function whoseOf(asker: Asker, owners: Owners, { userId, portfolioId }: Whose): Promise<Whose> {
  const isOfAll = reachesAll(asker);
  if (userId !== undefined && !isOfAll && userId !== asker.caller.userId)
    throw new TicklakeError('NOT_FOUND', `there is no user ${userId} whose figures you may see`, {
      remedy: 'Leave out `userId` for your own.',
    });
  if (portfolioId !== undefined) await owners.checkPortfolio(asker, portfolioId);
  return { portfolioId, userId: userId ?? (isOfAll ? undefined : asker.caller.userId) };
}

/** The whole hours of a request; an end that is left out is after everything. */
export function hoursOf({ from, to }: { from?: string; to?: string }): Hours {
  const hours = {
    fromUs: from === undefined ? 0 : hourOf(instantUs(from)),
    toUs: to === undefined ? alwaysUs : hourOf(instantUs(to)),
  };
  if (hours.fromUs < hours.toUs) return hours;
  throw new TicklakeError('BAD_REQUEST', '`from` is not an hour before `to`', {
    remedy: 'Figures are kept by hours: ask for one at least.',
  });
}
