import type { HistogramData, LineData, UTCTimestamp, WhitespaceData } from 'lightweight-charts';
import type { IndicatorRow } from '#api/client/index.ts';
import { rowTime } from './history.ts';
import { layers, type Layer } from './choice.ts';

/** A line, or bars, of one figure of the rows. */
export interface Line {
  kind: 'line' | 'bars';
  color: string;
  dashed?: boolean;
  /** Digits after the point; default as the price's. */
  precision?: number;
  /** Values that are marked across the pane. */
  levels?: readonly number[];
  point: (row: IndicatorRow) => Point;
}

type Point = LineData<UTCTimestamp> | HistogramData<UTCTimestamp> | WhitespaceData<UTCTimestamp>;

/** How a layer is drawn: over the candles, or in a pane of its own. */
export function linesOf(layer: Layer): { ownPane: boolean; lines: readonly Line[] } {
  const { color } = layers[layer];
  switch (layer) {
    case 'sma20':
    case 'sma50':
    case 'sma200':
      return { ownPane: false, lines: [lineOf((row) => row[layer], color)] };
    case 'bollinger':
      return {
        ownPane: false,
        lines: [
          { ...lineOf((row) => row.bbUpper, color), dashed: true },
          { ...lineOf((row) => row.bbLower, color), dashed: true },
        ],
      };
    case 'rsi':
      return {
        ownPane: true,
        lines: [{ ...lineOf((row) => row.rsi14, color), levels: [30, 70], precision: 1 }],
      };
    case 'macd':
      return {
        ownPane: true,
        lines: [
          { kind: 'bars', color, point: macdBar },
          lineOf((row) => row.macd, color),
          lineOf((row) => row.macdSignal, '#fb923c'),
        ],
      };
    case 'volatility':
      return { ownPane: true, lines: [{ ...lineOf((row) => row.volatility20, color), precision: 5 }] };
    case 'signals':
      return { ownPane: false, lines: [] };
  }
}

function lineOf(figure: (row: IndicatorRow) => number | null, color: string): Line {
  const point = (row: IndicatorRow): Point => {
    const value = figure(row);
    const time = rowTime(row) as UTCTimestamp;
    return value === null ? { time } : { time, value };
  };
  return { kind: 'line', color, point };
}

function macdBar(row: IndicatorRow): Point {
  const time = rowTime(row) as UTCTimestamp;
  const value = row.macdHistogram;
  return value === null ? { time } : { time, value, color: value >= 0 ? '#34d39966' : '#fb718566' };
}
