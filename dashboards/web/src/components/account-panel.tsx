import { useState, type ReactNode } from 'react';
import type { AlertStore } from '../state/alert-store.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { AlertList } from './alert-list.tsx';
import { Balances } from './balances.tsx';
import { ConnectionNote } from './connection-note.tsx';
import { Holdings } from './holdings.tsx';
import { OpenOrders } from './open-orders.tsx';
import { OrderHistory } from './order-history.tsx';
import { Tabs } from './tabs.tsx';

export interface AccountPanelProps {
  live: LiveStore;
  store: PortfolioStore;
  alerts: AlertStore;
  /** The market that is shown. */
  symbol: string | undefined;
  onMarket: (symbol: string) => void;
}

type Tab = 'orders' | 'holdings' | 'balances' | 'history' | 'alerts';

/** What is the user's: orders, holdings and money of one portfolio. */
export function AccountPanel({ live, store, alerts, symbol, onMarket }: AccountPanelProps) {
  const [chosen, setChosen] = useState<Tab>('orders');
  const { orders, portfolio, connection, error } = useLive(store, store.state);
  const openAlerts = useLive(alerts, alerts.open);
  const held = portfolio?.holdings.filter(({ quantity }) => quantity !== '0').length;
  const tabs: readonly { id: Tab; title: ReactNode }[] = [
    { id: 'orders', title: <Counted name="Orders" count={orders?.size} /> },
    { id: 'holdings', title: <Counted name="Holdings" count={held} /> },
    { id: 'balances', title: 'Balances' },
    { id: 'history', title: 'History' },
    { id: 'alerts', title: <Counted name="Alerts" count={openAlerts} /> },
  ];
  return (
    <section aria-label="Portfolio" className="panel min-h-72 flex-1 lg:min-h-0">
      <div className="flex items-center border-b border-line px-2">
        <Tabs name="portfolio" label="Portfolio" tabs={tabs} chosen={chosen} onChoose={setChosen} />
      </div>
      <ConnectionNote connection={connection} error={error} />
      <div
        id="portfolio-panel"
        role="tabpanel"
        aria-labelledby={`portfolio-tab-${chosen}`}
        // A region that scrolls must be reachable by the keyboard.
        tabIndex={0}
        className="min-h-0 flex-1 overflow-auto"
      >
        {chosen === 'orders' && <OpenOrders store={store} onMarket={onMarket} />}
        {chosen === 'holdings' && <Holdings live={live} store={store} onMarket={onMarket} />}
        {chosen === 'balances' && <Balances store={store} />}
        {chosen === 'history' && <OrderHistory store={store} />}
        {chosen === 'alerts' && <AlertList alerts={alerts} symbol={symbol} />}
      </div>
    </section>
  );
}

function Counted({ name, count }: { name: string; count: number | undefined }) {
  return (
    <>
      {name} {count !== undefined && count > 0 && <span className="figure text-accent">{count}</span>}
    </>
  );
}
