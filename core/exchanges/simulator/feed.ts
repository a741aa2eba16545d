import { bookAt, bookTickerMessage, depthMessage, slotOf, type Book } from './book.ts';
import type { Faults } from './faults.ts';
import { Hub, type Channel } from './hub.ts';
import { malform } from './malformed.ts';
import { intervals, klineMessage, tradeMessage } from './messages.ts';
import type { StreamTopic } from './streams.ts';
import { minuteMs, type MarketTape } from './market-tape.ts';
import type { Tape } from './tape.ts';

interface TradeState {
  kind: 'trade';
  tape: MarketTape;
  /** The next trade: its id, its minute and its place in it. */
  id: number;
  minute: number;
  index: number;
  /** A message kept back by `disorder`, and how many go before it. */
  held: { data: string; after: number } | undefined;
}

interface KlineState {
  kind: 'kline';
  tape: MarketTape;
  interval: string;
  minutes: number;
  /** The first minute of the bar that runs. */
  from: number;
  sentMs: number;
}

interface BookState {
  kind: 'bookTicker' | 'depth';
  tape: MarketTape;
  slot: number;
  /** The book as it was last sent; only depth needs it. */
  book: Book | undefined;
}

export type ChannelState = TradeState | KlineState | BookState;

/** Real time between two messages about a bar or book that goes on changing. */
const klineEveryMs = 500;
const bookEveryMs = 90;

/** Turns the passing of virtual time into messages of the streams that someone listens to. */
export class Feed {
  readonly hub: Hub<ChannelState>;
  readonly #tape: Tape;
  readonly #faults: Faults;
  #nowMs: number;
  #malformed = 0;
  #booksSentMs = 0;
  /** Trades sent so far, each counted once however many listen. */
  trades = 0;

  constructor(tape: Tape, faults: Faults, nowMs: number) {
    this.#tape = tape;
    this.#faults = faults;
    this.#nowMs = nowMs;
    this.hub = new Hub((topic) => this.#open(topic));
  }

  get hasTradeListeners(): boolean {
    for (const { state } of this.hub.channels.values()) if (state.kind === 'trade') return true;
    return false;
  }

  /** Sends the trades up to `nowMs`, and the bars that closed. */
  play(nowMs: number): void {
    this.#nowMs = nowMs;
    for (const channel of this.hub.channels.values()) {
      const { state } = channel;
      if (state.kind === 'trade') this.#playTrades(channel, state);
      else if (state.kind === 'kline') this.#closeKlines(channel, state);
      const coin = this.#tape.market(channel.topic.symbol, nowMs) ?? state.tape;
      if (coin === state.tape) continue;
      passTo(coin, state);
      if (state.kind === 'trade') this.#playTrades(channel, state);
    }
  }

  /** Sends how running bars and books look, where enough real time has passed. */
  refresh(realMs: number): void {
    const isTimeForBooks = realMs - this.#booksSentMs >= bookEveryMs;
    if (isTimeForBooks) this.#booksSentMs = realMs;
    for (const channel of this.hub.channels.values()) {
      const { state } = channel;
      if (!state.tape.isTrading(this.#nowMs)) continue;
      if (state.kind === 'kline') this.#refreshKline(channel, state, realMs);
      else if (state.kind !== 'trade' && isTimeForBooks) this.#refreshBook(channel, state);
    }
  }

  #open(topic: StreamTopic): ChannelState | undefined {
    const tape = this.#tape.market(topic.symbol, this.#nowMs);
    if (tape?.isListed(this.#nowMs) !== true || tape.isGone(this.#nowMs)) return undefined;
    const minute = Math.floor(this.#nowMs / minuteMs);
    switch (topic.kind) {
      case 'trade': {
        const index = tape.countUpTo(minute, this.#nowMs);
        return { kind: 'trade', tape, id: tape.firstId(minute) + index, minute, index, held: undefined };
      }
      case 'kline': {
        const minutes = intervals.get(topic.interval) ?? 1;
        const from = Math.max(tape.firstMinute, Math.floor(minute / minutes) * minutes);
        return { kind: 'kline', tape, interval: topic.interval, minutes, from, sentMs: 0 };
      }
      case 'bookTicker':
      case 'depth':
        return { kind: topic.kind, tape, slot: slotOf(this.#nowMs), book: undefined };
    }
  }

  #playTrades(channel: Channel<ChannelState>, state: TradeState): void {
    const { tape } = state;
    const running = Math.floor(this.#nowMs / minuteMs);
    for (;;) {
      const { offsetMs } = tape.trades(state.minute);
      const due = state.minute < running ? offsetMs.length : tape.countUpTo(running, this.#nowMs);
      for (; state.index < due; state.index++, state.id++) {
        this.#sendTrade(channel, state, tradeMessage(tape, state.id, state.minute, state.index));
      }
      const next = tape.resumes(state.minute + 1);
      if (next > running) {
        if (state.minute < running) standAt(state, running);
        return;
      }
      standAt(state, next);
    }
  }

  #sendTrade(channel: Channel<ChannelState>, state: TradeState, data: string): void {
    if (this.#faults.isIdle && state.held === undefined) {
      this.trades++;
      broadcast(channel, data);
      return;
    }
    const { symbol } = channel.topic;
    if (this.#faults.strike('silence', symbol) || this.#faults.strike('drop', symbol)) return;
    this.trades++;
    if (state.held === undefined && this.#faults.strike('disorder', symbol)) {
      state.held = { data, after: 1 + (state.id % 3) };
      return;
    }
    const isMalformed = this.#faults.strike('malformed', symbol) !== undefined;
    broadcast(channel, isMalformed ? malform(data, this.#malformed++) : data);
    if (this.#faults.strike('duplicate', symbol)) broadcast(channel, data);
    if (state.held === undefined || --state.held.after > 0) return;
    broadcast(channel, state.held.data);
    state.held = undefined;
  }

  #closeKlines(channel: Channel<ChannelState>, state: KlineState): void {
    const { tape, interval, minutes } = state;
    const running = Math.floor(this.#nowMs / minuteMs / minutes) * minutes;
    for (; state.from < running; state.from += minutes) {
      const closedMs = (state.from + minutes) * minuteMs;
      if (tape.absentOver(state.from, state.from + minutes) !== undefined) continue;
      this.#send(channel, klineMessage(tape, interval, state.from, closedMs));
    }
  }

  #refreshKline(channel: Channel<ChannelState>, state: KlineState, realMs: number): void {
    if (realMs - state.sentMs < klineEveryMs) return;
    state.sentMs = realMs;
    this.#send(channel, klineMessage(state.tape, state.interval, state.from, this.#nowMs));
  }

  #refreshBook(channel: Channel<ChannelState>, state: BookState): void {
    const slot = slotOf(this.#nowMs);
    if (slot <= state.slot) return;
    const { tape } = state;
    const book = bookAt(tape, slot);
    if (state.kind === 'bookTicker') {
      this.#send(channel, bookTickerMessage(tape, book));
    } else {
      this.#send(channel, depthMessage(tape, state.book ?? bookAt(tape, state.slot), book, this.#nowMs));
      state.book = book;
    }
    state.slot = slot;
  }

  #send(channel: Channel<ChannelState>, data: string): void {
    if (this.#faults.strike('silence', channel.topic.symbol)) return;
    broadcast(channel, data);
  }
}

/** The name belongs to another coin now. */
function passTo(coin: MarketTape, state: ChannelState): void {
  state.tape = coin;
  switch (state.kind) {
    case 'trade':
      standAt(state, coin.firstMinute);
      state.id = coin.oldestId;
      return;
    case 'kline':
      state.from = coin.firstMinute;
      return;
    default:
      state.book = undefined;
  }
}

function standAt(state: TradeState, minute: number): void {
  state.minute = minute;
  state.index = 0;
}

function broadcast(channel: Channel<ChannelState>, data: string): void {
  const combined = `{"stream":"${channel.name}","data":${data}}`;
  for (const client of channel.clients) client.writer.add(client.isCombined ? combined : data);
}
