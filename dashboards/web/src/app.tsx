import { useEffect, useMemo, useState } from 'react';
import { openTradeStream, type Market, type TradeStream } from '#api/client/index.ts';
import { api, streamUrl } from './api.ts';
import { ChartPanel } from './components/chart-panel.tsx';
import { Header } from './components/header.tsx';
import { JobsPanel } from './components/jobs-panel.tsx';
import { LakePanel } from './components/lake-panel.tsx';
import { MarketList } from './components/market-list.tsx';
import { TradeTape } from './components/trade-tape.tsx';
import { LiveStore } from './state/live-store.ts';
import { usePolled } from './state/use-polled.ts';

const marketsEveryMs = 5_000;

export function App() {
  const store = useMemo(() => new LiveStore(), []);
  const markets = usePolled(api.markets, marketsEveryMs);
  const items = markets.value?.items ?? noMarkets;
  const [chosen, setChosen] = useState<string>();
  const selected = chosen ?? items[0]?.symbol;
  useStream(store, items);

  return (
    <div className="flex min-h-dvh flex-col gap-3 p-3 lg:h-dvh">
      <Header store={store} />
      <main className="grid min-h-0 flex-1 grid-cols-1 gap-3 lg:grid-cols-[19rem_minmax(0,1fr)_19rem] lg:grid-rows-[minmax(0,3fr)_minmax(0,2fr)]">
        <MarketList
          store={store}
          markets={items}
          error={markets.error}
          selected={selected}
          onSelect={setChosen}
        />
        <ChartPanel store={store} market={items.find((market) => market.symbol === selected)} />
        <TradeTape store={store} symbol={selected} />
        <LakePanel />
        <JobsPanel />
      </main>
    </div>
  );
}

const noMarkets: readonly Market[] = [];

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
