import { ApiError, type Query } from './answer.ts';
import { barOver } from './bars.ts';
import { barText, intervals, priceText, quantityText, quoteText } from './messages.ts';
import { minuteMs, type MarketTape } from './tape.ts';

const maxRows = 1_000;

/** `klines`: bars by open time within [startTime, endTime], or the latest; the running bar as it is. */
export function klines(tape: MarketTape, nowMs: number, query: Query): unknown {
  const minutes = intervals.get(query.required('interval'));
  if (minutes === undefined) throw new ApiError(-1120, 'Invalid interval.');
  const limit = query.limit(500, maxRows);
  const stepMs = minutes * minuteMs;
  const firstMs = Math.floor((tape.firstMinute * minuteMs) / stepMs) * stepMs;
  const endMs = Math.min(nowMs, query.whole('endTime') ?? nowMs);
  const lastOpen = Math.floor(endMs / stepMs) * stepMs;
  const startMs = query.whole('startTime') ?? lastOpen - (limit - 1) * stepMs;
  const rows: unknown[] = [];
  for (let open = Math.max(firstMs, Math.ceil(startMs / stepMs) * stepMs); open <= lastOpen; open += stepMs) {
    if (rows.length === limit) break;
    const from = open / minuteMs;
    const bar = barText(tape, barOver(tape, from, from + minutes, nowMs));
    rows.push([
      ...[open, bar.open, bar.high, bar.low, bar.close, bar.volume, open + stepMs - 1],
      ...[bar.quoteVolume, bar.count, bar.buyVolume, bar.buyQuoteVolume, '0'],
    ]);
  }
  return rows;
}

/** `trades` and `historicalTrades`: from an id on, or the latest. */
export function trades(tape: MarketTape, nowMs: number, query: Query): unknown {
  const limit = query.limit(500, maxRows);
  const end = tape.nextId(nowMs);
  const from = query.whole('fromId') ?? end - limit;
  return rowsFrom(tape, Math.max(1, from), Math.min(end, Math.max(1, from) + limit), (row) => ({
    id: row.id,
    ...{ price: priceText(tape, row.ticks), qty: quantityText(tape, row.lots) },
    quoteQty: quoteText(tape, BigInt(row.ticks) * BigInt(row.lots)),
    ...{ time: row.timeMs, isBuyerMaker: row.buyerIsMaker, isBestMatch: true },
  }));
}

/** `aggTrades`: here each stands for one trade and has its id. By id, by time (both ends inclusive), or the latest. */
export function aggTrades(tape: MarketTape, nowMs: number, query: Query): unknown {
  const limit = query.limit(500, maxRows);
  const fromId = query.whole('fromId');
  const startMs = query.whole('startTime');
  const endMs = query.whole('endTime');
  if (fromId !== undefined && (startMs !== undefined || endMs !== undefined)) {
    throw new ApiError(-1128, 'Combination of optional parameters invalid.');
  }
  const end = tape.nextId(Math.min(nowMs, endMs ?? nowMs));
  const first = fromId ?? (startMs === undefined ? end - limit : tape.nextId(Math.min(nowMs, startMs - 1)));
  const from = Math.max(1, first);
  return rowsFrom(tape, from, Math.min(end, from + limit), (row) => ({
    a: row.id,
    ...{ p: priceText(tape, row.ticks), q: quantityText(tape, row.lots) },
    ...{ f: row.id, l: row.id, T: row.timeMs, m: row.buyerIsMaker, M: true },
  }));
}

interface Row {
  id: number;
  ticks: number;
  lots: number;
  timeMs: number;
  buyerIsMaker: boolean;
}

/** Trades with ids in [from, to). */
function rowsFrom<T>(tape: MarketTape, from: number, to: number, make: (row: Row) => T): T[] {
  const rows: T[] = [];
  if (from >= to) return rows;
  let { minute, index } = tape.placeOf(from);
  let columns = tape.trades(minute);
  for (let id = from; id < to; id++, index++) {
    while (index >= columns.price.length) {
      minute++;
      index = 0;
      columns = tape.trades(minute);
    }
    rows.push(
      make({
        id,
        ticks: columns.price[index] ?? 0,
        lots: columns.lots[index] ?? 0,
        timeMs: minute * minuteMs + (columns.offsetMs[index] ?? 0),
        buyerIsMaker: columns.buyerIsMaker[index] === 1,
      }),
    );
  }
  return rows;
}
