import type { VenueOrderRequest } from '#core/exchanges/order-venue.ts';
import { priceAt, quantityOf, type TradedMarket } from '../traded-market.ts';
import type { UpProcess } from '../up-process.ts';
import type { Accounts } from './accounts.ts';
import type { LiveExchange } from './exchange.ts';
import type { Remains } from './problems.ts';

const names = ['stranger-1', 'stranger-2'];
const takenForUs = 5_000_000;
/** It rests: nothing trades there. */
const belowShare = -0.5;

/**
 * Places orders at the exchange behind the portfolio's back, kills the trader between them, and tells what alarms there are
 * of each, and others. That the second one is found shows that the exchange was compared again after the first was found.
 */
export async function plantStrangers(
  up: UpProcess,
  { stranger }: LiveExchange,
  accounts: Accounts,
  [market]: readonly TradedMarket[],
): Promise<Pick<Remains, 'strangers' | 'riskStateAfter' | 'alarms'>> {
  if (market === undefined) throw new Error('a stranger needs a market');
  const alarmsOf = async (name: string): Promise<number> =>
    (await accounts.alarms()).filter((alarm) => JSON.stringify(alarm).includes(name)).length;
  let riskStateAfter = '';
  for (const clientOrderId of names) {
    const order: VenueOrderRequest = {
      ...{ clientOrderId, symbol: market.symbol, side: 'buy', type: 'limit', timeInForce: 'GTC' },
      validUntilUs: (await stranger.nowUs()) + takenForUs,
      quantity: quantityOf(market, 4),
      price: priceAt(market, await market.lastPrice(), belowShare),
    };
    const answer = await stranger.place(order);
    if (answer.kind !== 'accepted')
      throw new Error(`${clientOrderId} was not placed: ${JSON.stringify(answer)}`);
    await up.until(`an alarm of ${clientOrderId}`, async () => (await alarmsOf(clientOrderId)) > 0);
    riskStateAfter ||= await accounts.riskState();
    const pid = await up.pidOf('trader');
    process.kill(pid, 'SIGKILL');
    await up.until('the trader to run again', async () => (await up.pidOf('trader')) !== pid);
  }
  const alarms = await accounts.alarms();
  return {
    riskStateAfter,
    strangers: await Promise.all(
      names.map(async (clientOrderId) => ({ clientOrderId, alarms: await alarmsOf(clientOrderId) })),
    ),
    alarms: alarms
      .map((alarm) => JSON.stringify(alarm))
      .filter((text) => !names.some((name) => text.includes(name))),
  };
}
