import { decimalText } from '#core/market/decimal.ts';
import type { Column } from '#core/platform/postgres/text-array.ts';
import { chainHash, eventText } from './codec.ts';
import type { NumberedEvent } from './event.ts';
import { entriesOf } from './ledger.ts';
import type { Chained } from './load.ts';
import type { Portfolio } from './portfolio.ts';
import {
  balanceColumns,
  headColumns,
  holdingColumns,
  lotColumns,
  orderColumns,
  rejectedColumns,
} from './rows.ts';

/** What is to be written of some portfolios: rows of columns as the statements of `sql/` take them. */
export interface Changes {
  portfolios: Column[][];
  heads: Column[][];
  balances: Column[][];
  holdings: Column[][];
  lots: Column[][];
  lotsSold: Column[][];
  orders: Column[][];
  events: Column[][];
  ledger: Column[][];
}

export function noChanges(): Changes {
  return {
    ...{ portfolios: [], heads: [], balances: [], holdings: [], lots: [], lotsSold: [] },
    ...{ orders: [], events: [], ledger: [] },
  };
}

/**
 * Adds what events have made of a portfolio, each row once. Answers it with the hash of its newest event.
 * @param before the portfolio as it is stored, with its hash
 */
export function addChanges(
  changes: Changes,
  before: Chained,
  after: Portfolio,
  events: readonly NumberedEvent[],
): Chained {
  const { id } = after;
  let { hash } = before;
  const orders = new Map<string, Column[]>();
  for (const event of events) {
    const text = eventText(id, event);
    hash = chainHash(hash, text);
    const number = String(event.number);
    changes.events.push([
      ...[id, number, event.type, subjectOf(event), String(event.atUs), text, hash.toString('hex')],
    ]);
    for (const { asset, account, amount } of entriesOf(event))
      changes.ledger.push([id, number, asset, account, decimalText(amount)]);
    if ('order' in event) orders.set(event.order.id, orderColumns(id, event.order, event));
    if (event.type === 'order_rejected') orders.set(event.orderId, rejectedColumns(id, event));
    if (event.type === 'portfolio_opened')
      changes.portfolios.push([id, event.userId, event.name, String(event.atUs)]);
  }
  changes.orders.push(...orders.values());
  changes.heads.push(headColumns(after, hash));
  for (const [asset, balance] of after.balances) {
    const was = before.portfolio.balances.get(asset);
    if (was?.available !== balance.available || was.held !== balance.held)
      changes.balances.push(balanceColumns(id, asset, balance));
  }
  addHoldings(changes, before.portfolio, after);
  return { portfolio: after, hash };
}

function addHoldings(changes: Changes, before: Portfolio, after: Portfolio): void {
  for (const [pair, holding] of after.holdings) {
    const was = before.holdings.get(pair);
    if (was === holding) continue;
    changes.holdings.push(holdingColumns(after.id, holding));
    const lotsBefore = new Map(was?.lots.map((lot) => [lot.number, lot]));
    for (const lot of holding.lots) {
      if (lotsBefore.get(lot.number) !== lot) changes.lots.push(lotColumns(after.id, holding, lot));
      lotsBefore.delete(lot.number);
    }
    for (const number of lotsBefore.keys())
      changes.lotsSold.push([after.id, holding.base, holding.quote, String(number)]);
  }
}

function subjectOf(event: NumberedEvent): string | null {
  if ('order' in event) return event.order.id;
  if ('orderId' in event) return event.orderId;
  return 'id' in event ? event.id : null;
}
