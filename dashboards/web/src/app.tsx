import { useEffect, useMemo, useState } from 'react';
import { openTradeStream, type Market, type TradeStream } from '#api/client/index.ts';
import { api, streamUrl } from './api.ts';
import { Header } from './components/header.tsx';
import { LakeView } from './components/lake-view.tsx';
import { NoticeList } from './components/notice-list.tsx';
import type { Section } from './components/section-bar.tsx';
import { TradeView } from './components/trade-view.tsx';
import { reasonOf } from './reason.ts';
import { LiveStore } from './state/live-store.ts';
import { Notices } from './state/notices.ts';
import { useLive } from './state/observed.ts';
import { SessionStore } from './state/session-store.ts';
import { useAlerts } from './state/use-alerts.ts';
import { usePolled } from './state/use-polled.ts';
import { usePortfolios } from './state/use-portfolios.ts';
import { useView } from './state/use-view.ts';

const marketsEveryMs = 5_000;
const healthEveryMs = 5_000;
const noMarkets: readonly Market[] = [];

export function App() {
  const live = useMemo(() => new LiveStore(), []);
  const session = useMemo(() => new SessionStore(), []);
  useEffect(() => {
    const leaving = new AbortController();
    void session.begin(leaving.signal);
    return () => leaving.abort();
  }, [session]);
  const userId = useLive(session, session.userId);
  // What one user was told is not there for the next.
  const notices = useMemo(() => new Notices(), [userId]);
  const view = useView();
  const markets = usePolled(api.markets, { everyMs: marketsEveryMs, userId });
  const health = usePolled(api.health, { everyMs: healthEveryMs, userId });
  const items = markets.value?.items ?? noMarkets;
  useStream(live, items);
  const portfolios = usePortfolios(userId, { session, notices });
  const alerts = useAlerts(userId, { session, notices });
  const [section, setSection] = useState<Section>('chart');
  const [isOpening, setOpening] = useState(false);
  const showOrder = (): void => {
    location.hash = '#trade';
    setSection('order');
  };

  return (
    <div className="flex min-h-dvh flex-col gap-3 p-3 lg:h-dvh">
      <Header
        {...{ live, session, portfolios, view, health }}
        onSignIn={() => {
          showOrder();
          // The panel may only be there after the next drawing.
          requestAnimationFrame(() => document.querySelector<HTMLElement>('input[type=email]')?.focus());
        }}
        onSignOut={() => {
          session.signOut().catch((error: unknown) => {
            notices.tell({ tone: 'bad', title: 'You are still signed in', detail: reasonOf(error).detail });
          });
        }}
        onNewPortfolio={() => {
          showOrder();
          setOpening(true);
        }}
      />
      {view === 'lake' ? (
        <LakeView health={health} userId={userId} />
      ) : (
        <TradeView
          {...{ live, session, portfolios, alerts, section, isOpening, markets: items, error: markets.error }}
          onSection={setSection}
          onOpened={() => setOpening(false)}
        />
      )}
      <NoticeList notices={notices} />
    </div>
  );
}

/** One socket for the life of the page; markets that are listed later are added to it. */
function useStream(store: LiveStore, markets: readonly Market[]): void {
  const [stream, setStream] = useState<TradeStream>();
  useEffect(() => {
    const opened = openTradeStream({
      url: streamUrl,
      symbols: [],
      onTrades: (data, reset) => store.take(data, reset),
      onState: (state) => store.setState(state),
    });
    setStream(opened);
    return () => opened.close();
  }, [store]);
  useEffect(() => stream?.follow(markets.map((market) => market.symbol)), [stream, markets]);
}
