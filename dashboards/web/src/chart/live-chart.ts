import {
  candleFeed,
  indicatorFeed,
  openFeeds,
  signalFeed,
  type Feed,
  type IndicatorRow,
  type RestClient,
  type Signal,
} from '#api/client/index.ts';
import type { LiveStore } from '../state/live-store.ts';
import { barOf, ChartBars, type Bar, type TradeTold } from './bars.ts';
import { hasIndicators, secondsOf, type ChartInterval, type Layer } from './choice.ts';
import { openDrawing, type Level } from './drawing.ts';
import {
  loadHistory,
  loadNewest,
  loadOlder,
  loadTrades,
  rowTime,
  type MarketOf,
  type Older,
} from './history.ts';

export interface LiveChartOptions {
  container: HTMLElement;
  api: RestClient;
  streamUrl: string;
  store: LiveStore;
  market: MarketOf;
  interval: ChartInterval;
  shown: readonly Layer[];
  onState: (state: ChartState) => void;
  /** The bar under the pointer, else the newest. */
  onLegend: (legend: Legend) => void;
}

/** `failed` is tried again by itself. */
export type ChartState = { is: 'loading' } | { is: 'ready'; bars: number } | { is: 'failed'; reason: string };

export interface Legend {
  bar: Bar | undefined;
  row: IndicatorRow | undefined;
}

export interface LiveChart {
  show(shown: readonly Layer[]): void;
  setLevels(levels: readonly Level[]): void;
  close(): void;
}

const retryMs = 3_000;
/** Pause before what the stream left out is looked for. */
const fillEveryMs = 10_000;
/** Trades told apart: those of the history come again over the stream. */
const idsMax = 10_000;

/**
 * A chart of one market that goes on by itself: bars held, bars that close, and the one that goes on, made of trades; the
 * indicators of closed bars; signals.
 */
export function openLiveChart(options: LiveChartOptions): LiveChart {
  const { container, api, store, market, interval, onState, onLegend } = options;
  const leaving = new AbortController();
  const drawing = openDrawing(container, { seconds: interval === '1s' });
  const bars = new ChartBars(secondsOf(interval));
  const rows = new Map<number, IndicatorRow>();
  const signals = new Map<string, Signal>();
  const ids = new Set<number>();
  /** Trades that came before the history: it tells which of them it has. */
  let waiting: TradeTold[] | undefined = [];
  let older: Older | undefined;
  let isLoadingOlder = false;
  let fillTimer: ReturnType<typeof setTimeout> | undefined;
  let pointed: number | undefined;
  let barsByTime = new Map<number, Bar>();
  let newest: Bar | undefined;

  show(options.shown);
  drawing.onPoint((time) => {
    pointed = time;
    tellLegend();
  });
  drawing.onNearBegin(() => void loadMore());
  const stopListening = store.onTrades(market.symbol, takeTrades);
  takeTrades(store.tape(market.symbol));
  const feeds = openFeeds({ url: options.streamUrl, feeds: feedsOf() });
  onState({ is: 'loading' });
  void load();

  return {
    show,
    setLevels: (levels) => drawing.setLevels(levels),
    close() {
      leaving.abort();
      clearTimeout(fillTimer);
      stopListening();
      feeds.close();
      drawing.close();
    },
  };

  function show(shown: readonly Layer[]): void {
    drawing.show(hasIndicators(interval) ? shown : []);
  }

  async function load(): Promise<void> {
    while (!leaving.signal.aborted) {
      try {
        const history = await loadHistory(api, market, interval, leaving.signal);
        if (leaving.signal.aborted) return;
        bars.close(history.bars);
        bars.begin(history.begun);
        older = history.older;
        addRows(history.rows);
        addSignals(history.signals);
        const came = waiting ?? [];
        waiting = undefined;
        takeTrades(came);
        redraw();
        return void loadTrades(api, market, leaving.signal).then(takeTrades, ignore);
      } catch (error) {
        if (leaving.signal.aborted) return;
        onState({ is: 'failed', reason: error instanceof Error ? error.message : String(error) });
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  async function loadMore(): Promise<void> {
    if (older === undefined || isLoadingOlder || !hasIndicators(interval)) return;
    isLoadingOlder = true;
    try {
      const page = await loadOlder(api, market, interval, older, leaving.signal);
      if (leaving.signal.aborted) return;
      older = page.older;
      bars.close(page.bars);
      addRows(page.rows);
      redraw();
    } catch {
      // What is there stays; the next move of the chart asks again.
    } finally {
      isLoadingOlder = false;
    }
  }

  function feedsOf(): Feed[] {
    const of = { symbols: [market.symbol], source: market.source };
    const onCandles = candleFeed({
      ...of,
      interval,
      onCandles(data, isReset) {
        change(bars.close(data.flatMap(({ candles }) => candles.map(barOf))));
        if (isReset) fill();
      },
    });
    if (!hasIndicators(interval)) return [onCandles];
    return [
      onCandles,
      indicatorFeed({
        ...of,
        interval,
        onIndicators(data, isReset) {
          const before = newestRow();
          const added = data.flatMap(({ indicators }) => indicators);
          addRows(added);
          if (isReset || leavesOut(before, added)) fill();
        },
      }),
      signalFeed({ ...of, interval, onSignals: addSignals }),
    ];
  }

  function takeTrades(trades: readonly TradeTold[]): void {
    if (leaving.signal.aborted) return;
    const fresh = trades.filter(({ sequence }) => !ids.has(sequence));
    for (const { sequence } of fresh) ids.add(sequence);
    for (const oldest of ids) {
      if (ids.size <= idsMax) break;
      ids.delete(oldest);
    }
    if (waiting === undefined) change(bars.trade(fresh));
    else waiting.push(...fresh);
  }

  function change(changed: readonly Bar[]): void {
    if (leaving.signal.aborted || waiting !== undefined || changed.length === 0) return;
    if (newest === undefined || !drawing.updateBars(changed)) return redraw();
    for (const bar of changed) noteBar(bar);
    tellLegend();
  }

  function redraw(): void {
    const all = bars.all();
    drawing.setBars(all);
    barsByTime = new Map();
    newest = undefined;
    for (const bar of all) noteBar(bar);
    onState({ is: 'ready', bars: all.length });
    tellLegend();
  }

  function noteBar(bar: Bar): void {
    barsByTime.set(bar.time, bar);
    if (newest === undefined || bar.time >= newest.time) newest = bar;
  }

  function addRows(added: readonly IndicatorRow[]): void {
    if (leaving.signal.aborted) return;
    for (const row of added) rows.set(rowTime(row), row);
    if (added.length > 0) drawing.setRows([...rows.values()].sort((a, b) => rowTime(a) - rowTime(b)));
    tellLegend();
  }

  function addSignals(added: readonly Signal[]): void {
    for (const signal of added) signals.set(signal.signalId, signal);
    drawing.setSignals([...signals.values()]);
  }

  /** The bar that goes on has the figures of those before. */
  function tellLegend(): void {
    const bar = pointed === undefined ? newest : barsByTime.get(pointed);
    onLegend({ bar, row: pointed === undefined ? newestRow() : rows.get(pointed) });
  }

  function newestRow(): IndicatorRow | undefined {
    return [...rows.values()].reduce<IndicatorRow | undefined>(
      (last, row) => (last === undefined || rowTime(row) > rowTime(last) ? row : last),
      undefined,
    );
  }

  /** Whether bars lie between: who falls behind says the newest row alone. */
  function leavesOut(before: IndicatorRow | undefined, added: readonly IndicatorRow[]): boolean {
    if (before === undefined) return false;
    const next = added.map(rowTime).filter((time) => time > rowTime(before));
    return next.length > 0 && Math.min(...next) > rowTime(before) + secondsOf(interval);
  }

  function fill(): void {
    if (!hasIndicators(interval)) return;
    fillTimer ??= setTimeout(() => {
      fillTimer = undefined;
      loadNewest(api, market, interval, leaving.signal).then((loaded) => {
        change(bars.close(loaded.bars));
        addRows(loaded.rows);
      }, ignore);
    }, fillEveryMs);
  }
}

/** What was drawn stays: the stream goes on, and the next hole asks again. */
function ignore(): void {}
