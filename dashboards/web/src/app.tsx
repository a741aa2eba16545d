import { useEffect, useMemo, useState } from 'react';
import { openTradeStream, type Market, type Signal, type TradeStream } from '#api/client/index.ts';
import { api, streamUrl } from './api.ts';
import { chartIntervals, rememberChoice, rememberedChoice, type ChartChoice } from './chart/choice.ts';
import { ChartPanel } from './components/chart-panel.tsx';
import { Header } from './components/header.tsx';
import { JobsPanel } from './components/jobs-panel.tsx';
import { LakePanel } from './components/lake-panel.tsx';
import { MarketList } from './components/market-list.tsx';
import { SignalList } from './components/signal-list.tsx';
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
  const [choice, setChoice] = useState(() => rememberedChoice(localStorage));
  useStream(store, items);
  const choose = (next: ChartChoice): void => {
    setChoice(next);
    rememberChoice(localStorage, next);
  };
  const openSignal = ({ symbol, interval }: Signal): void => {
    setChosen(symbol);
    const known = chartIntervals.find((candidate) => candidate === interval);
    if (known !== undefined) choose({ ...choice, interval: known });
  };

  return (
    <div className="flex min-h-dvh flex-col gap-3 p-3 lg:h-dvh">
      <Header store={store} />
      <main className="grid min-h-0 flex-1 grid-cols-1 gap-3 lg:grid-cols-[19rem_minmax(0,1fr)_19rem] lg:grid-rows-[minmax(0,1fr)_15rem]">
        <MarketList
          store={store}
          markets={items}
          error={markets.error}
          selected={selected}
          onSelect={setChosen}
        />
        <ChartPanel
          store={store}
          market={items.find((market) => market.symbol === selected)}
          choice={choice}
          onChoose={choose}
        />
        <div className="flex min-h-0 flex-col gap-3">
          <TradeTape store={store} symbol={selected} />
          <SignalList onSelect={openSignal} />
        </div>
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
