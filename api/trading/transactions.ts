import { decimalText } from '#core/market/decimal.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { entriesOf } from '#core/trading/ledger.ts';
import { timeFromUs } from '../format.ts';
import type { Transaction } from '../schemas/portfolios.ts';

/** An event that moved money in or out, or filled an order; undefined for any other. */
export function shownTransaction(portfolioId: string, event: NumberedEvent): Transaction | undefined {
  const named = nameOf(event);
  if (named === undefined) return undefined;
  return {
    ...named,
    portfolioId,
    eventNumber: event.number,
    entries: entriesOf(event).map(({ asset, account, amount }) => ({
      ...{ asset, account },
      amount: decimalText(amount),
    })),
    at: timeFromUs(event.atUs),
  };
}

function nameOf(event: NumberedEvent): Pick<Transaction, 'id' | 'type' | 'orderId'> | undefined {
  switch (event.type) {
    case 'deposited':
      return { id: event.id, type: 'deposit', orderId: null };
    case 'withdrawn':
      return { id: event.id, type: 'withdrawal', orderId: null };
    case 'order_filled':
      return { id: `${event.order.id}:${event.number}`, type: 'fill', orderId: event.order.id };
    default:
      return undefined;
  }
}
