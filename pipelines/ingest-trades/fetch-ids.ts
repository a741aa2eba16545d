import type { Exchange } from '#core/exchanges/exchange.ts';
import type { Trade } from '#core/market/trade.ts';

/** Ids [fromId, toId) of one market. */
export interface IdSpan {
  fromId: number;
  toId: number;
}

export interface FetchedIds {
  /** Trades that were asked for, ids ascending. */
  trades: Trade[];
  /** Ids that were asked for and that the answer passed over: the venue has a later one, but not these. */
  absent: IdSpan[];
}

/** Most trades in one answer of a venue's REST. */
const answerTradesMax = 1_000;

/**
 * Fetches the ids of one market that lie in `spans`, which ascend and do not overlap. Spans that fit one answer share
 * a request: a venue charges as much for one trade as for a thousand. Ends early where the venue has no later trade;
 * nothing is said of the ids that are left, as it may only be behind. Throws what {@link Exchange.tradesFrom} throws.
 */
export async function* fetchIds(
  exchange: Exchange,
  symbol: string,
  spans: readonly IdSpan[],
  signal: AbortSignal,
): AsyncGenerator<FetchedIds> {
  let wanted = spans.filter((span) => span.fromId < span.toId);
  for (let first = wanted[0]; first !== undefined; first = wanted[0]) {
    const answer = await exchange.tradesFrom(symbol, first.fromId, rowsFor(wanted, first.fromId), signal);
    const last = answer.at(-1);
    if (last === undefined) return;
    const reached = last.tradeId + 1;
    yield pick(
      answer,
      wanted.flatMap((span) => part(span, 0, reached)),
    );
    wanted = wanted.flatMap((span) => part(span, reached, Number.MAX_SAFE_INTEGER));
  }
}

/** Rows from `fromId` to the end of the last span that one answer reaches. */
function rowsFor(wanted: readonly IdSpan[], fromId: number): number {
  const reach = fromId + answerTradesMax;
  const lastReached = wanted.findLast((span) => span.fromId < reach);
  return Math.min(lastReached?.toId ?? reach, reach) - fromId;
}

function part(span: IdSpan, least: number, end: number): IdSpan[] {
  const fromId = Math.max(span.fromId, least);
  const toId = Math.min(span.toId, end);
  return fromId < toId ? [{ fromId, toId }] : [];
}

/** The trades of an answer that lie in the spans, and the ids of the spans that are not among them. */
function pick(answer: readonly Trade[], spans: readonly IdSpan[]): FetchedIds {
  const trades: Trade[] = [];
  const absent: IdSpan[] = [];
  let at = 0;
  for (const { fromId, toId } of spans) {
    let next = fromId;
    for (; at < answer.length; at++) {
      const trade = answer[at];
      if (trade === undefined || trade.tradeId >= toId) break;
      if (trade.tradeId < fromId) continue;
      if (trade.tradeId > next) absent.push({ fromId: next, toId: trade.tradeId });
      trades.push(trade);
      next = trade.tradeId + 1;
    }
    if (next < toId) absent.push({ fromId: next, toId });
  }
  return { trades, absent };
}
