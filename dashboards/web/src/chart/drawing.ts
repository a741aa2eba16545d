import {
  CandlestickSeries,
  createChart,
  createSeriesMarkers,
  HistogramSeries,
  LineSeries,
  LineStyle,
  type IChartApi,
  type IPriceLine,
  type ISeriesApi,
  type SeriesMarker,
  type Time,
  type UTCTimestamp,
} from 'lightweight-charts';
import type { IndicatorRow, Signal } from '#api/client/index.ts';
import { timeOf, type Bar } from './bars.ts';
import type { Layer } from './choice.ts';
import { linesOf, type Line } from './lines.ts';

/** The chart on the page: it is told of bars, rows and signals, and which layers to show of them. */
export interface Drawing {
  /** All bars anew. */
  setBars(bars: readonly Bar[]): void;
  /** Bars that changed, oldest first; false where one is older than all that follow it and not there yet. */
  updateBars(bars: readonly Bar[]): boolean;
  /** All rows anew, oldest first. */
  setRows(rows: readonly IndicatorRow[]): void;
  setSignals(signals: readonly Signal[]): void;
  /** Prices that a line is drawn at, all anew. */
  setLevels(levels: readonly Level[]): void;
  show(shown: readonly Layer[]): void;
  /** Called with the time under the pointer, and with nothing when it leaves. */
  onPoint(listener: (time: number | undefined) => void): void;
  /** Called when the oldest bars come near. */
  onNearBegin(listener: () => void): void;
  close(): void;
}

export interface Level {
  price: number;
  title: string;
  side: 'buy' | 'sell';
}

const up = '#34d399';
const down = '#fb7185';
const nearBegin = 30;

export function openDrawing(container: HTMLElement, options: { seconds: boolean }): Drawing {
  const chart = open(container, options);
  const candles = chart.addSeries(CandlestickSeries, {
    ...{ upColor: up, wickUpColor: up, downColor: down, wickDownColor: down },
    borderVisible: false,
  });
  const volumes = chart.addSeries(HistogramSeries, {
    ...{
      priceScaleId: '',
      priceFormat: { type: 'volume' as const },
      lastValueVisible: false,
      priceLineVisible: false,
    },
  });
  volumes.priceScale().applyOptions({ scaleMargins: { top: 0.84, bottom: 0 } });
  const markers = createSeriesMarkers(candles);
  const times = new Set<number>();
  let newest = Number.NEGATIVE_INFINITY;
  let rows: readonly IndicatorRow[] = [];
  let signals: readonly Signal[] = [];
  let shown: readonly Layer[] = [];
  let levelLines: IPriceLine[] = [];
  let drawn: { line: Line; series: ISeriesApi<'Line' | 'Histogram'> }[] = [];

  return {
    setBars(bars) {
      times.clear();
      for (const { time } of bars) times.add(time);
      newest = bars.at(-1)?.time ?? Number.NEGATIVE_INFINITY;
      const last = bars.at(-1);
      if (last !== undefined) candles.applyOptions({ priceFormat: formatOf(priceDigits(last.close)) });
      candles.setData(bars.map(candlePoint));
      volumes.setData(bars.map(volumePoint));
    },
    updateBars(bars) {
      for (const bar of bars) {
        if (bar.time < newest && !times.has(bar.time)) return false;
        const isHistorical = bar.time < newest;
        candles.update(candlePoint(bar), isHistorical);
        volumes.update(volumePoint(bar), isHistorical);
        times.add(bar.time);
        newest = Math.max(newest, bar.time);
      }
      return true;
    },
    setRows(all) {
      rows = all;
      for (const { line, series } of drawn) {
        series.applyOptions({ priceFormat: formatOfLine(line, rows) });
        series.setData(rows.map(line.point));
      }
    },
    setSignals(all) {
      signals = all;
      markers.setMarkers(shown.includes('signals') ? markersOf(signals) : []);
    },
    setLevels(levels) {
      for (const line of levelLines) candles.removePriceLine(line);
      levelLines = levels.map(({ price, title, side }) =>
        candles.createPriceLine({
          ...{ price, title, color: side === 'buy' ? up : down },
          ...{ lineWidth: 1, lineStyle: LineStyle.Dashed, axisLabelVisible: true },
        }),
      );
    },
    show(wanted) {
      shown = wanted;
      for (const { series } of drawn) chart.removeSeries(series);
      drawn = drawLines(chart, wanted, rows);
      markers.setMarkers(shown.includes('signals') ? markersOf(signals) : []);
      const [main, ...panes] = chart.panes();
      main?.setStretchFactor(3);
      for (const pane of panes) pane.setStretchFactor(1);
    },
    onPoint(listener) {
      chart.subscribeCrosshairMove(({ time }) => listener(typeof time === 'number' ? time : undefined));
    },
    onNearBegin(listener) {
      chart.timeScale().subscribeVisibleLogicalRangeChange((range) => {
        if (range !== null && range.from < nearBegin) listener();
      });
    },
    close: () => chart.remove(),
  };
}

function open(container: HTMLElement, { seconds }: { seconds: boolean }): IChartApi {
  return createChart(container, {
    autoSize: true,
    layout: {
      background: { color: 'transparent' },
      textColor: '#9fb0c8',
      fontFamily: 'ui-sans-serif, system-ui, sans-serif',
      // The logo would add inline styles, which the service's policy forbids; the credit stands below the chart.
      attributionLogo: false,
      panes: { separatorColor: '#1f2c45', separatorHoverColor: '#38bdf833' },
    },
    grid: { vertLines: { color: '#172238' }, horzLines: { color: '#172238' } },
    rightPriceScale: { borderColor: '#1f2c45', scaleMargins: { top: 0.08, bottom: 0.2 } },
    timeScale: { borderColor: '#1f2c45', timeVisible: true, secondsVisible: seconds, rightOffset: 4 },
  });
}

function drawLines(
  chart: IChartApi,
  shown: readonly Layer[],
  rows: readonly IndicatorRow[],
): { line: Line; series: ISeriesApi<'Line' | 'Histogram'> }[] {
  let panes = 0;
  return shown.flatMap((layer) => {
    const { lines, ownPane } = linesOf(layer);
    const pane = ownPane ? (panes += 1) : 0;
    return lines.map((line) => {
      const common = { priceLineVisible: false, lastValueVisible: ownPane, color: line.color };
      const series: ISeriesApi<'Line' | 'Histogram'> =
        line.kind === 'bars'
          ? chart.addSeries(HistogramSeries, { ...common, lastValueVisible: false }, pane)
          : chart.addSeries(
              LineSeries,
              {
                ...common,
                lineWidth: 1,
                lineStyle: line.dashed === true ? LineStyle.Dashed : LineStyle.Solid,
                crosshairMarkerVisible: false,
              },
              pane,
            );
      series.applyOptions({ priceFormat: formatOfLine(line, rows) });
      for (const price of line.levels ?? []) {
        series.createPriceLine({ price, color: '#475569', lineWidth: 1, axisLabelVisible: false, title: '' });
      }
      series.setData(rows.map(line.point));
      return { line, series };
    });
  });
}

function candlePoint({ time, open, high, low, close }: Bar) {
  return { time: time as UTCTimestamp, open, high, low, close };
}

function volumePoint({ time, open, close, volume }: Bar) {
  return { time: time as UTCTimestamp, value: volume, color: close >= open ? `${up}55` : `${down}55` };
}

function markersOf(signals: readonly Signal[]): SeriesMarker<Time>[] {
  return signals
    .toSorted((a, b) => timeOf(a.openTime) - timeOf(b.openTime))
    .map(({ openTime, signal }) => {
      const time = timeOf(openTime) as UTCTimestamp;
      return signal === 'BUY'
        ? { time, position: 'belowBar', shape: 'arrowUp', color: up, text: 'BUY' }
        : { time, position: 'aboveBar', shape: 'arrowDown', color: down, text: 'SELL' };
    });
}

/** As many digits as a price of this size needs to be seen moving. */
function priceDigits(price: number): number {
  return price >= 1000 ? 2 : price >= 1 ? 4 : 6;
}

/** Differences of prices have a digit more than prices. */
function formatOfLine({ precision }: Line, rows: readonly IndicatorRow[]): ReturnType<typeof formatOf> {
  return formatOf(precision ?? priceDigits(rows.at(-1)?.close ?? 1) + 1);
}

function formatOf(precision: number): { type: 'price'; precision: number; minMove: number } {
  return { type: 'price', precision, minMove: 10 ** -precision };
}
