import { useEffect, useState, type ReactNode } from 'react';
import type { Market, Signal } from '#api/client/index.ts';
import { chartIntervals, rememberChoice, rememberedChoice, type ChartChoice } from '../chart/choice.ts';
import type { AlertStore } from '../state/alert-store.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLevels } from '../state/use-levels.ts';
import { useLive } from '../state/observed.ts';
import type { SessionStore } from '../state/session-store.ts';
import type { Portfolios } from '../state/use-portfolios.ts';
import { AccountPanel } from './account-panel.tsx';
import { ChartPanel } from './chart-panel.tsx';
import { FirstPortfolio } from './first-portfolio.tsx';
import { MarketList } from './market-list.tsx';
import { OrderPanel } from './order-panel.tsx';
import { SectionBar, type Section } from './section-bar.tsx';
import { SignInPanel } from './sign-in-panel.tsx';
import { SignalList } from './signal-list.tsx';
import { TradeTape } from './trade-tape.tsx';

export interface TradeViewProps {
  live: LiveStore;
  markets: readonly Market[];
  error: string | undefined;
  session: SessionStore;
  portfolios: Portfolios;
  alerts: AlertStore | undefined;
  section: Section;
  onSection: (section: Section) => void;
  /** Whether another portfolio is being opened. */
  isOpening: boolean;
  onOpened: () => void;
}

const chosenKey = 'ticklake.market';

/** Markets, the chart of one, and what the user does in it. */
export function TradeView(props: TradeViewProps) {
  const { live, markets, error, session, portfolios, alerts, section, onSection, isOpening, onOpened } =
    props;
  const [chosen, setChosen] = useState(() => localStorage.getItem(chosenKey));
  const [choice, setChoice] = useState(() => rememberedChoice(localStorage));
  const market = markets.find(({ symbol }) => symbol === chosen) ?? mostTraded(markets);
  // As the page opens: what others trade most must not take the place of what the user looks at.
  useEffect(() => {
    if (market !== undefined && market.symbol !== chosen) setChosen(market.symbol);
  }, [market, chosen]);
  const { store } = portfolios;
  const levels = useLevels(store, market?.symbol);
  const choose = (next: ChartChoice): void => {
    setChoice(next);
    rememberChoice(localStorage, next);
  };
  const openMarket = (symbol: string): void => {
    setChosen(symbol);
    localStorage.setItem(chosenKey, symbol);
    onSection('chart');
  };
  const openSignal = ({ symbol, interval }: Signal): void => {
    openMarket(symbol);
    const known = chartIntervals.find((candidate) => candidate === interval);
    if (known !== undefined) choose({ ...choice, interval: known });
  };
  const onlyIn = (...parts: Section[]): string => (parts.includes(section) ? '' : 'max-lg:hidden');

  return (
    <>
      <main className="grid min-h-0 flex-1 grid-cols-1 gap-3 max-lg:pb-14 lg:grid-cols-[15rem_minmax(0,1fr)_18.5rem] xl:grid-cols-[18rem_minmax(0,1fr)_20rem]">
        <div className={`flex min-h-0 flex-col gap-3 ${onlyIn('markets')}`}>
          <MarketList {...{ store: live, markets, error, selected: market?.symbol, onSelect: openMarket }} />
          <SignalList onSelect={openSignal} />
        </div>
        <div className={`flex min-h-0 flex-col gap-3 ${onlyIn('chart', 'portfolio')}`}>
          <div className={`flex min-h-0 flex-1 flex-col ${onlyIn('chart')}`}>
            <ChartPanel {...{ store: live, market, choice, levels, onChoose: choose }} />
          </div>
          <div
            className={`flex min-h-0 flex-col max-lg:flex-1 lg:h-[clamp(11rem,31dvh,17rem)] ${onlyIn('portfolio')}`}
          >
            {store === undefined || alerts === undefined ? (
              <Invitation session={session} error={portfolios.error} />
            ) : (
              <AccountPanel {...{ live, store, alerts, symbol: market?.symbol, onMarket: openMarket }} />
            )}
          </div>
        </div>
        <div className={`flex min-h-0 flex-col gap-3 lg:overflow-y-auto ${onlyIn('order', 'chart')}`}>
          <div className={`flex shrink-0 flex-col ${onlyIn('order')}`}>
            <Order
              {...{ live, session, portfolios, market, isOpening }}
              onOpened={(portfolioId) => {
                if (portfolioId !== undefined) portfolios.choose(portfolioId);
                onOpened();
              }}
            />
          </div>
          <div className={`flex min-h-40 flex-1 flex-col ${onlyIn('chart')}`}>
            <TradeTape store={live} symbol={market?.symbol} />
          </div>
        </div>
      </main>
      <SectionBar chosen={section} onChoose={onSection} />
    </>
  );
}

interface OrderProps extends Pick<TradeViewProps, 'live' | 'session' | 'portfolios' | 'isOpening'> {
  market: Market | undefined;
  onOpened: (portfolioId: string | undefined) => void;
}

/** Where orders are placed, once there is somebody with a portfolio to do so. */
function Order({ live, session, portfolios, market, isOpening, onOpened }: OrderProps): ReactNode {
  const state = useLive(session, session.state);
  if (state.is === 'asking') return null;
  if (state.is === 'nobody') return <SignInPanel session={session} why={state.why} />;
  const { all, store } = portfolios;
  if (isOpening || all?.length === 0) {
    const onLeave = all?.length === 0 ? undefined : () => onOpened(undefined);
    return <FirstPortfolio onOpened={onOpened} onLeave={onLeave} />;
  }
  return <OrderPanel live={live} store={store} market={market} />;
}

/** In the place of a portfolio, for who has none. */
function Invitation({ session, error }: { session: SessionStore; error: string | undefined }) {
  const { is } = useLive(session, session.state);
  return (
    <section
      aria-label="Portfolio"
      className="panel min-h-40 flex-1 items-center justify-center p-6 text-center"
    >
      <p className="max-w-md text-sm text-soft">
        {is === 'nobody'
          ? 'Sign in to trade on paper, at the prices you see: orders, holdings and profit will stand here.'
          : (error ??
            (is === 'asking'
              ? 'One moment…'
              : 'Open a portfolio, and its orders and holdings will stand here.'))}
      </p>
    </section>
  );
}

function mostTraded(markets: readonly Market[]): Market | undefined {
  return markets.reduce<Market | undefined>(
    (most, market) => (most === undefined || traded(market) > traded(most) ? market : most),
    undefined,
  );
}

/** A statistic, to compare by. */
function traded({ quoteVolume }: Market): number {
  return Number(quoteVolume ?? 0);
}
