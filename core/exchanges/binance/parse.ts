import type { Level, StreamEvent, StreamKind } from '#core/exchanges/exchange.ts';
import { parseStreamName, type StreamName } from './symbol.ts';
import { isDecimalText, isId, timeUs } from './values.ts';

/** A message that is no event: the answer to a request of ours, or a depth snapshot that names no market. */
export type Aside = { kind: 'answer'; id: number; error: string | undefined } | { kind: 'snapshot' };

/** What a message can turn out to be. */
export type MarketEvent = Extract<StreamEvent, { kind: StreamKind | 'refused' }>;

export type Parser = (raw: string, receivedNs: string) => MarketEvent | Aside;

type Fields = Record<string, unknown>;

const snapshot: Aside = { kind: 'snapshot' };
const maxKnownStreams = 10_000;

/**
 * Reads messages of Binance's combined streams (`{"stream":…,"data":…}`). Never throws and never guesses: what is
 * not understood comes back as `refused` with its text and a reason. Whether prices and quantities are positive is
 * for the reader of the log to judge.
 */
export function createParser(source: string): Parser {
  const known = new Map<string, StreamName>();

  function nameOf(stream: string): StreamName | undefined {
    const name = known.get(stream) ?? parseStreamName(stream);
    if (name !== undefined && known.size < maxKnownStreams) known.set(stream, name);
    return name;
  }

  return (raw, receivedNs) => {
    let message: unknown;
    try {
      message = JSON.parse(raw);
    } catch {
      return refused(raw, receivedNs, 'not JSON');
    }
    if (!isFields(message)) return refused(raw, receivedNs, 'not an object');
    const { stream, data } = message;
    if (typeof stream !== 'string') return withoutStream(message, raw, receivedNs);
    const name = nameOf(stream);
    if (name === undefined) return refused(raw, receivedNs, 'unknown stream');
    if (!isFields(data)) return refused(raw, receivedNs, 'no data');
    if (data.s !== name.symbol) return refused(raw, receivedNs, "symbol is not its stream's");
    const event = readers[name.kind](source, name, data, receivedNs);
    return typeof event === 'string' ? refused(raw, receivedNs, event) : event;
  };
}

/** Each gives the event, or the reason why it is none. */
const readers = { trade: readTrade, kline: readKline, quote: readQuote, depth: readDepth };

function readTrade(source: string, name: StreamName, data: Fields, receivedNs: string): MarketEvent | string {
  if (data.e !== 'trade') return 'event type is not trade';
  const { t: tradeId, p: price, q: volume, m: buyerIsMaker } = data;
  const timestampUs = timeUs(data.T);
  if (!isId(tradeId)) return 'trade id is not a safe non-negative integer';
  if (!isDecimalText(price)) return 'price is not decimal text';
  if (!isDecimalText(volume)) return 'quantity is not decimal text';
  if (Number.isNaN(timestampUs)) return 'trade time is neither milliseconds nor microseconds';
  if (typeof buyerIsMaker !== 'boolean') return 'maker flag is not true or false';
  const side = buyerIsMaker ? 'sell' : 'buy';
  return {
    kind: 'trade',
    trade: { source, symbol: name.symbol, tradeId, price, volume, side, timestampUs },
    receivedNs,
  };
}

function readKline(
  _source: string,
  name: StreamName,
  data: Fields,
  receivedNs: string,
): MarketEvent | string {
  if (data.e !== 'kline') return 'event type is not kline';
  const { k } = data;
  if (!isFields(k)) return 'no kline';
  if (k.s !== name.symbol || k.i !== name.interval) return "kline is not its stream's";
  const openTimeUs = timeUs(k.t);
  const closeTimeUs = timeUs(k.T);
  const { o: open, h: high, l: low, c: close, v: volume, n: tradeCount, x: isClosed } = k;
  const { q: quoteVolume, V: takerBuyVolume, Q: takerBuyQuoteVolume } = k;
  if (!(openTimeUs < closeTimeUs)) return 'kline times are not milliseconds or microseconds in order';
  if (!isDecimalText(open) || !isDecimalText(high) || !isDecimalText(low) || !isDecimalText(close)) {
    return 'kline price is not decimal text';
  }
  if (!isDecimalText(volume) || !isDecimalText(quoteVolume)) return 'kline volume is not decimal text';
  if (!isDecimalText(takerBuyVolume) || !isDecimalText(takerBuyQuoteVolume)) {
    return 'kline taker volume is not decimal text';
  }
  if (!isId(tradeCount)) return 'kline trade count is not a safe non-negative integer';
  if (typeof isClosed !== 'boolean') return 'kline closed flag is not true or false';
  return {
    kind: 'kline',
    kline: {
      ...{ symbol: name.symbol, interval: name.interval, openTimeUs, closeTimeUs, open, high, low, close },
      ...{ volume, quoteVolume, tradeCount, takerBuyVolume, takerBuyQuoteVolume, isClosed },
    },
    receivedNs,
  };
}

/** `bookTicker`: the one event without `e` and without a time. */
function readQuote(
  _source: string,
  name: StreamName,
  data: Fields,
  receivedNs: string,
): MarketEvent | string {
  const { u: updateId, b: bid, B: bidSize, a: ask, A: askSize } = data;
  if (!isId(updateId)) return 'update id is not a safe non-negative integer';
  if (!isDecimalText(bid) || !isDecimalText(ask)) return 'quote price is not decimal text';
  if (!isDecimalText(bidSize) || !isDecimalText(askSize)) return 'quote size is not decimal text';
  return { kind: 'quote', quote: { symbol: name.symbol, updateId, bid, bidSize, ask, askSize }, receivedNs };
}

function readDepth(
  _source: string,
  name: StreamName,
  data: Fields,
  receivedNs: string,
): MarketEvent | string {
  if (data.e !== 'depthUpdate') return 'event type is not depthUpdate';
  const { U: firstUpdateId, u: lastUpdateId, b: bids, a: asks } = data;
  const eventTimeUs = timeUs(data.E);
  if (!isId(firstUpdateId) || !isId(lastUpdateId) || firstUpdateId > lastUpdateId) {
    return 'update ids are not safe integers in order';
  }
  if (Number.isNaN(eventTimeUs)) return 'event time is neither milliseconds nor microseconds';
  if (!areLevels(bids) || !areLevels(asks)) return 'levels are not pairs of decimal text';
  return {
    kind: 'depth',
    update: { symbol: name.symbol, firstUpdateId, lastUpdateId, eventTimeUs, bids, asks },
    receivedNs,
  };
}

function withoutStream(message: Fields, raw: string, receivedNs: string): MarketEvent | Aside {
  const { id, error } = message;
  if (isId(id) && ('result' in message || 'error' in message)) {
    return { kind: 'answer', id, error: error === undefined ? undefined : JSON.stringify(error) };
  }
  if (isId(message.lastUpdateId) && Array.isArray(message.bids) && Array.isArray(message.asks))
    return snapshot;
  return refused(raw, receivedNs, 'no stream');
}

function refused(raw: string, receivedNs: string, reason: string): MarketEvent {
  return { kind: 'refused', raw, reason, receivedNs };
}

function isFields(value: unknown): value is Fields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areLevels(value: unknown): value is Level[] {
  if (!Array.isArray(value)) return false;
  for (const level of value) {
    if (!Array.isArray(level) || level.length !== 2) return false;
    if (!isDecimalText(level[0]) || !isDecimalText(level[1])) return false;
  }
  return true;
}
