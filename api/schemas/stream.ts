import { Type, type Static } from 'typebox';
import { Problem, SourceName, SymbolName, Time, Decimal } from './common.ts';
import { BarInterval, Candle, StreamInterval } from './candles.ts';
import { IndicatorRow } from './indicators.ts';
import { RunProgress } from './jobs.ts';
import { TradeSide } from './markets.ts';
import { PrivateAnswer, PrivateMessage } from './private-stream.ts';
import { Signal } from './signals.ts';

export const symbolsPerClientMax = 500;

export const runChannelsPerClientMax = 20;

/** `jobs` is all runs that are no steps; `jobs:` and a run's id is that run with its steps. */
const RunChannel = Type.Unsafe<'jobs' | `jobs:${string}`>(
  Type.String({
    description: 'All runs, or one with its steps.',
    pattern: '^jobs(:[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12})?$',
    examples: ['jobs'],
  }),
);

const Symbols = Type.Array(SymbolName, { minItems: 1, maxItems: symbolsPerClientMax, uniqueItems: true });
const OptionalSource = { source: Type.Optional(SourceName) };
const Resume = {
  resumeToken: Type.Optional(
    Type.String({
      maxLength: 4096,
      description: 'Of the last message received of this channel and interval.',
    }),
  ),
};

const ofTrades = { channel: Type.Literal('trades') };
const ofCandles = { channel: Type.Literal('candles'), interval: StreamInterval };
const ofIndicators = { channel: Type.Literal('indicators'), interval: BarInterval };
const ofSignals = { channel: Type.Literal('signals') };

const subscribe = { op: Type.Literal('subscribe') };
const unsubscribe = { op: Type.Literal('unsubscribe') };
const markets = { symbols: Symbols, ...OptionalSource };
const strict = { additionalProperties: false } as const;

/** What a client says on `/v1/stream`, one JSON text per message. */
export const ClientMessage = Type.Union([
  Type.Object({ ...subscribe, ...ofTrades, ...markets, ...Resume }, strict),
  Type.Object({ ...subscribe, ...ofCandles, ...markets, ...Resume }, strict),
  Type.Object({ ...subscribe, ...ofIndicators, ...markets, ...Resume }, strict),
  Type.Object(
    {
      ...subscribe,
      ...ofSignals,
      symbols: Type.Optional(Symbols),
      interval: Type.Optional(BarInterval),
      source: Type.Optional(Type.String({ maxLength: 80, description: 'One venue; default all.' })),
      ...Resume,
    },
    { ...strict, description: 'Takes the place of what was followed before of this channel.' },
  ),
  Type.Object({ ...unsubscribe, ...ofTrades, ...markets }, strict),
  Type.Object({ ...unsubscribe, ...ofCandles, ...markets }, strict),
  Type.Object({ ...unsubscribe, ...ofIndicators, ...markets }, strict),
  Type.Object({ ...unsubscribe, ...ofSignals }, strict),
  Type.Object({ op: Type.Enum(['subscribe', 'unsubscribe']), channel: RunChannel }, strict),
  Type.Object({ op: Type.Literal('ping') }, strict),
  ...PrivateMessage.anyOf,
]);
export type ClientMessage = Static<typeof ClientMessage>;

export const StreamTrade = Type.Object({
  sequence: Type.Integer({ description: 'The trade id: unique per source and symbol.' }),
  price: Decimal('Quote asset per base asset.'),
  volume: Decimal('Quantity in base asset.'),
  side: TradeSide,
  timestamp: Time('Event time at the venue.'),
});
export type StreamTrade = Static<typeof StreamTrade>;

export const SymbolTrades = Type.Object({
  symbol: SymbolName,
  source: Type.String(),
  trades: Type.Array(StreamTrade, { description: 'In the order the log has them.' }),
});
export type SymbolTrades = Static<typeof SymbolTrades>;

const ofMarket = { symbol: SymbolName, source: Type.String() };

export const SymbolCandles = Type.Object({
  ...ofMarket,
  candles: Type.Array(Candle, {
    description: 'Closed bars; a later revision takes the place of the earlier.',
  }),
});
export type SymbolCandles = Static<typeof SymbolCandles>;

export const SymbolIndicators = Type.Object({
  ...ofMarket,
  indicators: Type.Array(IndicatorRow, {
    description: 'A later row of the same bar takes the place of the earlier.',
  }),
});
export type SymbolIndicators = Static<typeof SymbolIndicators>;

/** Records of a channel: the newest in a snapshot, what is new in an update. */
const snapshot = {
  op: Type.Literal('snapshot'),
  reset: Type.Boolean({
    description: 'A token was given (or was in use) but could not be honoured: records may lie between.',
  }),
};
const update = { op: Type.Literal('update') };
const token = { resumeToken: Type.String() };
const tradeData = { ...ofTrades, data: Type.Array(SymbolTrades), ...token };
const candleData = { ...ofCandles, data: Type.Array(SymbolCandles), ...token };
const indicatorData = { ...ofIndicators, data: Type.Array(SymbolIndicators), ...token };
const signalData = { ...ofSignals, data: Type.Array(Signal), ...token };
/** After what was missed was sent; the answer to giving something up. */
const said = { op: Type.Enum(['resumed', 'unsubscribed']) };

/** What the service says on `/v1/stream`. */
export const ServerMessage = Type.Union([
  Type.Object({ ...snapshot, ...tradeData }),
  Type.Object({ ...update, ...tradeData }),
  Type.Object({ ...snapshot, ...candleData }),
  Type.Object({ ...update, ...candleData }),
  Type.Object({ ...snapshot, ...indicatorData }),
  Type.Object({ ...update, ...indicatorData }),
  Type.Object({ ...snapshot, ...signalData }),
  Type.Object({ ...update, ...signalData }),
  Type.Object({ ...said, ...ofTrades, symbols: Type.Array(SymbolName) }),
  Type.Object({ ...said, ...ofCandles, symbols: Type.Array(SymbolName) }),
  Type.Object({ ...said, ...ofIndicators, symbols: Type.Array(SymbolName) }),
  Type.Object({ ...said, ...ofSignals }),
  Type.Object({
    op: Type.Enum(['snapshot', 'update']),
    channel: RunChannel,
    data: Type.Array(RunProgress, {
      description: 'In a snapshot all, in an update those that changed; at most twice a second.',
    }),
  }),
  Type.Object({ op: Type.Literal('unsubscribed'), channel: RunChannel }),
  Type.Object({ op: Type.Literal('pong') }),
  Type.Object({ op: Type.Literal('error'), problem: Problem }),
  ...PrivateAnswer.anyOf,
]);
export type ServerMessage = Static<typeof ServerMessage>;
