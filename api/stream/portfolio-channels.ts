import { add, decimalText, zero } from '#core/market/decimal.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { entriesOf } from '#core/trading/ledger.ts';
import type { Balance, Portfolio } from '#core/trading/portfolio.ts';
import type { StreamBalance, StreamOrderEvent } from '../schemas/private-stream.ts';
import { shownOrder, shownOrderEvent } from '../trading/shown.ts';

/** What a private channel tells of a portfolio, for one subscription. */
export interface PortfolioChannel {
  readonly name: 'orders' | 'balances';
  /** Whether each event counts, as against the state that they have led to. */
  readonly isHistory: boolean;
  /** Takes the state from which the next events go on. */
  knows(portfolio: Portfolio): void;
  snapshot(portfolioId: string, portfolio: Portfolio): object[];
  /** What events are to this channel; none where they do not concern it. */
  update(portfolioId: string, events: readonly NumberedEvent[]): object[];
}

/** Open orders, then all that happens to orders. */
export function ordersChannel(): PortfolioChannel {
  return {
    name: 'orders',
    isHistory: true,
    knows: () => undefined,
    snapshot: (portfolioId, portfolio) =>
      [...portfolio.orders.values()].map((order) => shownOrder(portfolioId, order)),
    update: (portfolioId, events): StreamOrderEvent[] =>
      events.flatMap((event) => shownOrderEvent(portfolioId, event) ?? []),
  };
}

/** All balances, then those that changed. */
export function balancesChannel(): PortfolioChannel {
  const balances = new Map<string, Balance>();
  return {
    name: 'balances',
    isHistory: false,
    knows(portfolio) {
      balances.clear();
      for (const [asset, balance] of portfolio.balances) balances.set(asset, balance);
    },
    snapshot: (_portfolioId, portfolio) =>
      [...portfolio.balances].map(([asset, balance]) => shown(asset, balance)),
    update(_portfolioId, events) {
      const changed = new Set<string>();
      for (const { asset, account, amount } of events.flatMap((event) => entriesOf(event))) {
        if (account !== 'available' && account !== 'held') continue;
        const balance = balances.get(asset) ?? { available: zero, held: zero };
        balances.set(asset, { ...balance, [account]: add(balance[account], amount) });
        changed.add(asset);
      }
      return [...changed].flatMap((asset) => {
        const balance = balances.get(asset);
        return balance === undefined ? [] : [shown(asset, balance)];
      });
    },
  };
}

function shown(asset: string, { available, held }: Balance): StreamBalance {
  return {
    asset,
    total: decimalText(add(available, held)),
    available: decimalText(available),
    held: decimalText(held),
  };
}
