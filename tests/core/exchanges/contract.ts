import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Exchange, ExchangeKline, StreamEvent, StreamKind, Ticker } from '#core/exchanges/exchange.ts';
import { closedKlines, firstTradeIdFrom } from '#core/exchanges/history.ts';
import type { Trade } from '#core/market/trade.ts';
import { TicklakeError } from '#core/platform/errors.ts';

export interface OpenedExchange {
  exchange: Exchange;
  /** A market that trades at least some times a second and has a day of history. */
  symbol: string;
  /** Makes the venue's stream leave out some of the next trades of `symbol`; where it cannot, that test is skipped. */
  dropTrades?: () => Promise<void>;
  close: () => Promise<void>;
}

const decimalText = /^\d+(\.\d+)?$/;
const minuteUs = 60_000_000;
const patience = { timeout: 15_000, interval: 50 };

/** What every adapter of the exchange port promises. `open` is called once; the tests share what it gives. */
export function exchangeContract(name: string, open: () => Promise<OpenedExchange>): void {
  describe(`exchange contract: ${name}`, () => {
    let opened: OpenedExchange;
    let exchange: Exchange;
    let symbol: string;

    beforeAll(async () => {
      opened = await open();
      ({ exchange, symbol } = opened);
    });
    afterAll(async () => {
      await exchange.close();
      await opened.close();
    });

    const tickerOf = async (): Promise<Ticker> => {
      const ticker = (await exchange.tickers()).find((candidate) => candidate.symbol === symbol);
      if (ticker === undefined) throw new TicklakeError('NOT_FOUND', `no ticker of ${symbol}`);
      return ticker;
    };

    it('lists its markets once each, with their rules', async () => {
      const symbols = await exchange.symbols();
      const names = symbols.map((market) => market.symbol);
      expect(names).toContain(symbol);
      expect(new Set(names).size).toBe(names.length);
      for (const market of symbols) {
        expect(market.base).not.toBe('');
        expect(market.quote).not.toBe('');
        expect(market.status).not.toBe('');
        expect(market.permissions).toEqual([...new Set(market.permissions)].sort());
        for (const key of ['tickSize', 'stepSize', 'minQuantity', 'minNotional'] as const) {
          expect(market[key]).toMatch(decimalText);
        }
      }
    });

    it('gives 24-hour statistics that agree with themselves', async () => {
      const ticker = await tickerOf();
      const low = Number(ticker.lowPrice);
      for (const price of [ticker.lastPrice, ticker.openPrice, ticker.highPrice]) {
        expect(Number(price)).toBeGreaterThanOrEqual(low);
        expect(Number(price)).toBeLessThanOrEqual(Number(ticker.highPrice));
      }
      expect(low).toBeGreaterThan(0);
      expect(ticker.tradeCount).toBeGreaterThan(0);
      expect(ticker.lastTradeId - ticker.firstTradeId + 1).toBe(ticker.tradeCount);
      expect(ticker.closeTimeUs).toBeGreaterThan(ticker.openTimeUs);
    });

    it('gives klines by open time, oldest first, within the limit and the times asked for', async () => {
      const bars = await exchange.klines({ symbol, interval: '1m', limit: 10 });
      expect(bars).toHaveLength(10);
      bars.forEach((bar, i) => expect(bar.openTimeUs).toBe((bars[0]?.openTimeUs ?? 0) + i * minuteUs));
      bars.forEach(expectBar);
      const times = bars.map((bar) => bar.openTimeUs);
      const [fromUs = 0, , , toUs = 0] = times.slice(2);
      const some = await exchange.klines({ symbol, interval: '1m', fromUs, toUs });
      expect(some.map((bar) => bar.openTimeUs)).toEqual(times.slice(2, 6));
      const first = await exchange.klines({ symbol, interval: '1m', fromUs, toUs, limit: 2 });
      expect(first.map((bar) => bar.openTimeUs)).toEqual(times.slice(2, 4));
      expect(some).toEqual(bars.slice(2, 6));
    });

    it('gives the oldest kline there is', async () => {
      const first = await exchange.firstKline(symbol, '1d');
      const [same, next] = await exchange.klines({ symbol, interval: '1d', fromUs: 0, limit: 2 });
      expect(first).toEqual(same);
      expect(next?.openTimeUs).toBeGreaterThan(first?.openTimeUs ?? Infinity);
      const before = { symbol, interval: '1d', fromUs: 0, toUs: (first?.openTimeUs ?? NaN) - 1 };
      expect(await exchange.klines(before)).toEqual([]);
    });

    it('gives the closed klines of a window, over all its pages', async () => {
      const pagesOf = async (span: { fromUs: number; toUs: number }) => {
        const pages: ExchangeKline[][] = [];
        for await (const page of closedKlines(exchange, { symbol, interval: '1m', ...span }))
          pages.push(page);
        return pages;
      };
      const nowUs = await exchange.timeUs();
      const toUs = nowUs + 10 * minuteUs;
      const fromUs = Math.floor(nowUs / minuteUs) * minuteUs - 1_500 * minuteUs;
      const pages = await pagesOf({ fromUs, toUs });
      const bars = pages.flat();
      expect(pages.length).toBeGreaterThanOrEqual(2);
      expect(bars.length).toBeGreaterThanOrEqual(1_500);
      bars.forEach((bar, i) => expect(bar.openTimeUs).toBe(fromUs + i * minuteUs));
      for (const bar of bars) expectBar(bar);
      expect(bars.every(({ isClosed }) => isClosed)).toBe(true);
      expect(bars.at(-1)?.closeTimeUs).toBeLessThan(await exchange.timeUs());
      const again = await pagesOf({ fromUs, toUs });
      expect(again.flat().slice(0, bars.length)).toEqual(bars);
      expect(await pagesOf({ fromUs: toUs, toUs: toUs + minuteUs })).toEqual([]);
    });

    it('finds the first trade from an instant on', async () => {
      const { lastTradeId } = await tickerOf();
      const [trade] = await exchange.tradesFrom(symbol, lastTradeId - 500, 1);
      const id = await firstTradeIdFrom(exchange, symbol, trade?.timestampUs ?? NaN);
      expect(id).toBeLessThanOrEqual(lastTradeId - 500);
      const [before, first] = await exchange.tradesFrom(symbol, (id ?? NaN) - 1, 2);
      expect(before?.timestampUs).toBeLessThan(trade?.timestampUs ?? NaN);
      expect(first?.timestampUs).toBe(trade?.timestampUs);
      expect(
        await firstTradeIdFrom(exchange, symbol, (await exchange.timeUs()) + 86_400_000_000),
      ).toBeUndefined();
    });

    it('gives the trades from an id on, contiguous, the same each time', async () => {
      const { lastTradeId } = await tickerOf();
      const fromId = Math.max(0, lastTradeId - 300);
      const trades = await exchange.tradesFrom(symbol, fromId, 200);
      expect(trades.map(({ tradeId }) => tradeId)).toEqual(Array.from({ length: 200 }, (_, i) => fromId + i));
      for (const trade of trades) expectTrade(trade, exchange.source, symbol);
      trades.slice(1).forEach((trade, i) => {
        expect(trade.timestampUs).toBeGreaterThanOrEqual(trades[i]?.timestampUs ?? 0);
      });
      expect(await exchange.tradesFrom(symbol, fromId, 200)).toEqual(trades);
      expect(await exchange.tradesFrom(symbol, fromId + 150, 10)).toEqual(trades.slice(150, 160));
    });

    it('gives no trades from beyond the end of the tape', async () => {
      const { lastTradeId } = await tickerOf();
      expect(await exchange.tradesFrom(symbol, lastTradeId + 100_000_000, 10)).toEqual([]);
    });

    it('gives aggregated trades that cover the trades without gaps', async () => {
      const { lastTradeId } = await tickerOf();
      const [anchor] = await exchange.tradesFrom(symbol, Math.max(0, lastTradeId - 500), 1);
      const rows = await exchange.aggTrades({ symbol, fromUs: anchor?.timestampUs ?? 0, limit: 50 });
      expect(rows.length).toBeGreaterThan(0);
      rows.slice(1).forEach((row, i) => expect(row.firstTradeId).toBe((rows[i]?.lastTradeId ?? 0) + 1));
      const firstId = rows[0]?.firstTradeId ?? 0;
      const trades = await exchange.tradesFrom(symbol, firstId, 1_000);
      for (const row of rows) {
        const covered = trades.slice(row.firstTradeId - firstId, row.lastTradeId - firstId + 1);
        expect(new Set(covered.map(({ price, side }) => `${price} ${side}`)).size).toBeLessThanOrEqual(1);
        expect(row.timestampUs).toBeGreaterThanOrEqual(anchor?.timestampUs ?? Infinity);
      }
    });

    it('gives the order book best levels first', async () => {
      const book = await exchange.depth(symbol, 20);
      expect(book.symbol).toBe(symbol);
      expect(book.bids.length).toBeGreaterThan(0);
      expect(book.asks.length).toBeGreaterThan(0);
      expect(Math.max(book.bids.length, book.asks.length)).toBeLessThanOrEqual(20);
      const prices = [...book.bids]
        .reverse()
        .concat(book.asks)
        .map(([price]) => Number(price));
      expect(prices).toEqual([...prices].sort((a, b) => a - b));
      expect(new Set(prices).size).toBe(prices.length);
      for (const [, quantity] of [...book.bids, ...book.asks]) expect(Number(quantity)).toBeGreaterThan(0);
    });

    it('has a clock that goes forward and is not behind its trades', async () => {
      const { lastTradeId } = await tickerOf();
      const [last] = await exchange.tradesFrom(symbol, lastTradeId, 1);
      const first = await exchange.timeUs();
      const second = await exchange.timeUs();
      expect(second).toBeGreaterThanOrEqual(first);
      expect(first).toBeGreaterThanOrEqual(last?.timestampUs ?? Infinity);
      expect(first).toBeLessThan(Date.UTC(2100, 0) * 1000);
    });

    it('refuses a market it does not have', async () => {
      await expect(exchange.tradesFrom('NOSUCHMARKET', 0, 1)).rejects.toMatchObject({
        code: 'EXCHANGE_REFUSED',
      });
    });

    it('ends a request with the caller’s signal', async () => {
      await expect(exchange.timeUs(AbortSignal.abort(new Error('enough')))).rejects.toThrow('enough');
    });

    it('streams trades that REST confirms', async () => {
      const heard = listen(exchange, symbol, ['trade']);
      try {
        await vi.waitFor(() => expect(heard.trades().length).toBeGreaterThanOrEqual(20), patience);
      } finally {
        await heard.close();
      }
      expect(heard.ofKind('connected')).toHaveLength(1);
      const streamed = byId(heard.trades());
      const [first] = streamed;
      const confirmed = await exchange.tradesFrom(
        symbol,
        first?.tradeId ?? 0,
        Math.min(streamed.length, 1_000),
      );
      expect(streamed.slice(0, 1_000)).toEqual(confirmed);
      expect(heard.ofKind('refused')).toEqual([]);
    });

    it('streams quotes, depth and klines of the same market', async () => {
      const heard = listen(exchange, symbol, ['quote', 'depth', 'kline']);
      try {
        await vi.waitFor(() => {
          for (const kind of ['quote', 'depth', 'kline'] as const) expect(heard.ofKind(kind)).not.toEqual([]);
        }, patience);
      } finally {
        await heard.close();
      }
      expect(heard.ofKind('refused')).toEqual([]);
      for (const { quote } of heard.ofKind('quote'))
        expect(Number(quote.bid)).toBeLessThan(Number(quote.ask));
      for (const { kline } of heard.ofKind('kline')) expectBar(kline);
      for (const { update } of heard.ofKind('depth')) expect(update.symbol).toBe(symbol);
    });

    it('pauses: what comes after resume goes on where the stream was', async () => {
      const heard = listen(exchange, symbol, ['trade']);
      try {
        await vi.waitFor(() => expect(heard.trades().length).toBeGreaterThanOrEqual(5), patience);
        heard.stream.pause();
        const { lastTradeId } = await tickerOf();
        heard.stream.resume();
        await vi.waitFor(() => expect(heard.trades().at(-1)?.tradeId).toBeGreaterThan(lastTradeId), patience);
      } finally {
        await heard.close();
      }
      const ids = byId(heard.trades()).map(({ tradeId }) => tradeId);
      expect(ids).toEqual(ids.map((_, i) => (ids[0] ?? 0) + i));
      expect(heard.ofKind('hole')).toEqual([]);
    });

    it('announces exactly the ids that the stream left out', async ({ skip }) => {
      const { dropTrades } = opened;
      if (dropTrades === undefined) return skip('this venue drops nothing on demand');
      const heard = listen(exchange, symbol, ['trade']);
      try {
        await vi.waitFor(() => expect(heard.trades()).not.toEqual([]), patience);
        await dropTrades();
        await vi.waitFor(() => expect(heard.ofKind('hole')).not.toEqual([]), patience);
      } finally {
        await heard.close();
      }
      const came = new Set(heard.trades().map(({ tradeId }) => tradeId));
      for (const hole of heard.ofKind('hole')) {
        expect(hole.symbol).toBe(symbol);
        expect(came).toContain(hole.fromId - 1);
        expect(came).toContain(hole.toId);
        for (let id = hole.fromId; id < hole.toId; id++) expect(came).not.toContain(id);
        const [first] = await exchange.tradesFrom(symbol, hole.fromId, 1);
        expect(first?.tradeId).toBe(hole.fromId);
      }
    });
  });
}

function listen(exchange: Exchange, symbol: string, kinds: StreamKind[]) {
  const events: StreamEvent[] = [];
  const stream = exchange.stream({
    ...{ symbols: [symbol], kinds, interval: '1m' },
    onEvent: (event) => events.push(event),
  });
  const ofKind = <K extends StreamEvent['kind']>(kind: K) =>
    events.filter((event): event is StreamEvent & { kind: K } => event.kind === kind);
  return {
    ...{ stream, ofKind },
    trades: () => ofKind('trade').map(({ trade }) => trade),
    close: () => stream.close(),
  };
}

/** Once each, ascending: a stream may repeat trades and disorder them a little. */
function byId(trades: readonly Trade[]): Trade[] {
  const held = new Map(trades.map((trade) => [trade.tradeId, trade]));
  return [...held.values()].sort((a, b) => a.tradeId - b.tradeId);
}

function expectTrade(trade: Trade, source: string, symbol: string): void {
  expect(trade).toMatchObject({ source, symbol });
  expect(trade.price).toMatch(decimalText);
  expect(trade.volume).toMatch(decimalText);
  expect(['buy', 'sell']).toContain(trade.side);
  expect(trade.timestampUs).toBeGreaterThan(Date.UTC(2009, 0) * 1000);
}

function expectBar(bar: ExchangeKline): void {
  const [low, high] = [Number(bar.low), Number(bar.high)];
  for (const price of [bar.open, bar.close]) {
    expect(Number(price)).toBeGreaterThanOrEqual(low);
    expect(Number(price)).toBeLessThanOrEqual(high);
  }
  expect(bar.closeTimeUs).toBeGreaterThan(bar.openTimeUs);
  expect(Number(bar.takerBuyVolume)).toBeLessThanOrEqual(Number(bar.volume));
}
