import { ApiError, type Query } from './answer.ts';
import { barOver } from './bars.ts';
import { minuteMs, type MarketTape } from './market-tape.ts';
import { barText, intervals, priceText, quantityText, quoteText } from './messages.ts';

const maxRows = 1_000;

/** A bar of a coin that had the name: its first minute. */
interface BarAt {
  tape: MarketTape;
  from: number;
}

/**
 * `klines`: bars by open time within [startTime, endTime], or the latest; the running bar as it is. All coins that had the
 * name have theirs. While the exchange stood still, or a name was nobody's, there are no bars; a market that was halted
 * alone has flat ones, as the exchange makes them.
 */
export function klines(listings: readonly MarketTape[], nowMs: number, query: Query): unknown {
  const minutes = intervals.get(query.required('interval'));
  if (minutes === undefined) throw new ApiError(-1120, 'Invalid interval.');
  const limit = query.limit(500, maxRows);
  const startMs = query.whole('startTime');
  const endMs = Math.min(nowMs, query.whole('endTime') ?? nowMs);
  const last = Math.floor(endMs / minuteMs / minutes) * minutes;
  const bars =
    startMs === undefined
      ? [...taken(barsBackward(listings, minutes, last), limit)].reverse()
      : [
          ...taken(
            barsForward(listings, minutes, Math.ceil(startMs / minuteMs / minutes) * minutes, last),
            limit,
          ),
        ];
  return bars.map(({ tape, from }) => {
    const bar = barText(tape, barOver(tape, from, from + minutes, nowMs));
    const openMs = from * minuteMs;
    return [
      ...[openMs, bar.open, bar.high, bar.low, bar.close, bar.volume, openMs + minutes * minuteMs - 1],
      ...[bar.quoteVolume, bar.count, bar.buyVolume, bar.buyQuoteVolume, '0'],
    ];
  });
}

/** Bars that exist with first minutes in [from, last], oldest first. */
export function* barsForward(
  listings: readonly MarketTape[],
  minutes: number,
  from: number,
  last: number,
): Generator<BarAt> {
  for (const [i, tape] of listings.entries()) {
    const end = Math.min(last + 1, listings[i + 1]?.firstMinute ?? Infinity);
    for (let at = Math.max(from, tape.firstMinute); at < end; at += minutes) {
      const absent = tape.absentOver(at, at + minutes);
      if (absent === undefined) yield { tape, from: at };
      else if (absent.to >= end) break;
      else at = Math.max(at, Math.floor(absent.to / minutes) * minutes - minutes);
    }
  }
}

/** Bars that exist with first minutes up to `last`, newest first. */
function* barsBackward(listings: readonly MarketTape[], minutes: number, last: number): Generator<BarAt> {
  let at = last;
  for (const tape of listings.toReversed()) {
    for (; at >= tape.firstMinute; at -= minutes) {
      const absent = tape.absentOver(at, at + minutes);
      if (absent === undefined) yield { tape, from: at };
      else at = Math.min(at, Math.ceil(absent.from / minutes) * minutes);
    }
  }
}

function* taken<T>(items: Iterable<T>, count: number): Generator<T> {
  let left = count;
  for (const item of items) {
    yield item;
    if (--left === 0) return;
  }
}

/** `trades` and `historicalTrades`: from an id on, or the latest. By id, only coins in the current one's sequence are found. */
export function trades(listings: readonly MarketTape[], nowMs: number, query: Query): unknown {
  const limit = query.limit(500, maxRows);
  return rowsOf(byId(listings, nowMs, query.whole('fromId'), limit), limit, (tape, row) => ({
    id: row.id,
    ...{ price: priceText(tape, row.ticks), qty: quantityText(tape, row.lots) },
    quoteQty: quoteText(tape, BigInt(row.ticks) * BigInt(row.lots)),
    ...{ time: row.timeMs, isBuyerMaker: row.buyerIsMaker, isBestMatch: true },
  }));
}

/**
 * `aggTrades`: here each stands for one trade and has its id. By id, by time (both ends inclusive, over all coins that had
 * the name), or the latest.
 */
export function aggTrades(listings: readonly MarketTape[], nowMs: number, query: Query): unknown {
  const limit = query.limit(500, maxRows);
  const fromId = query.whole('fromId');
  const startMs = query.whole('startTime');
  const endMs = query.whole('endTime');
  if (fromId !== undefined && (startMs !== undefined || endMs !== undefined)) {
    throw new ApiError(-1128, 'Combination of optional parameters invalid.');
  }
  const untilMs = Math.min(nowMs, endMs ?? nowMs);
  const spans =
    startMs === undefined
      ? byId(listings, untilMs, fromId, limit)
      : listings.map((tape) => ({
          tape,
          from: tape.nextId(Math.min(nowMs, startMs - 1)),
          to: tape.nextId(untilMs),
        }));
  return rowsOf(spans, limit, (tape, row) => ({
    a: row.id,
    ...{ p: priceText(tape, row.ticks), q: quantityText(tape, row.lots) },
    ...{ f: row.id, l: row.id, T: row.timeMs, m: row.buyerIsMaker, M: true },
  }));
}

/** Ids [from, to) of a coin. */
interface IdSpan {
  tape: MarketTape;
  from: number;
  to: number;
}

export interface TradeRow {
  id: number;
  ticks: number;
  lots: number;
  timeMs: number;
  buyerIsMaker: boolean;
}

/** What happened by `nowMs` from an id on, or the latest `limit`. */
function byId(
  listings: readonly MarketTape[],
  nowMs: number,
  fromId: number | undefined,
  limit: number,
): IdSpan[] {
  const begun = listings.filter((tape) => tape.isListed(nowMs));
  const sequence = begun.slice(begun.findLastIndex(({ continues }) => continues === undefined));
  const from = fromId ?? (sequence.at(-1)?.nextId(nowMs) ?? 1) - limit;
  return sequence.map((tape) => ({ tape, from: Math.max(tape.oldestId, from), to: tape.nextId(nowMs) }));
}

function rowsOf<T>(
  spans: readonly IdSpan[],
  limit: number,
  make: (tape: MarketTape, row: TradeRow) => T,
): T[] {
  const rows: T[] = [];
  for (const { tape, from, to } of spans) {
    for (const row of tradesIn(tape, from, Math.min(to, from + limit - rows.length)))
      rows.push(make(tape, row));
  }
  return rows;
}

/** Trades with ids in [from, to). */
export function* tradesIn(tape: MarketTape, from: number, to: number): Generator<TradeRow> {
  if (from >= to) return;
  let { minute, index } = tape.placeOf(from);
  let columns = tape.trades(minute);
  for (let id = from; id < to; id++, index++) {
    while (index >= columns.price.length) {
      minute = tape.resumes(minute + 1);
      index = 0;
      columns = tape.trades(minute);
    }
    yield {
      id,
      ticks: columns.price[index] ?? 0,
      lots: columns.lots[index] ?? 0,
      timeMs: minute * minuteMs + (columns.offsetMs[index] ?? 0),
      buyerIsMaker: columns.buyerIsMaker[index] === 1,
    };
  }
}
