import type { Market } from '#api/client/index.ts';
import { api } from '../api.ts';
import type { LiveStore } from '../state/live-store.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { useRead } from '../state/use-read.ts';
import { OrderForm } from './order-form.tsx';

export interface OrderPanelProps {
  live: LiveStore;
  store: PortfolioStore | undefined;
  market: Market | undefined;
}

/** Where orders are placed, of the market that is shown. */
export function OrderPanel({ live, store, market }: OrderPanelProps) {
  const subject = market === undefined ? undefined : `${market.source} ${market.symbol}`;
  const { value: rules, failed } = useRead(subject, 0, (signal) =>
    api.trading.rules({ symbol: market?.symbol ?? '', ...(market && { source: market.source }) }, signal),
  );
  return (
    <section aria-labelledby="order-title" className="panel shrink-0">
      <h2 id="order-title" className="panel-title">
        Order <span className="ml-auto text-soft normal-case">{market?.symbol}</span>
      </h2>
      {failed !== undefined && <p className="px-4 pt-3 text-xs text-warn">{failed.detail}</p>}
      {store === undefined || market === undefined ? (
        <p className="p-4 text-sm text-soft">Reading…</p>
      ) : (
        <OrderForm key={store.portfolioId} {...{ live, store, market, rules }} />
      )}
    </section>
  );
}
