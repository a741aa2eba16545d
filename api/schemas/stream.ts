import { Type, type Static } from 'typebox';
import { Problem, SourceName, SymbolName, Time, Decimal } from './common.ts';
import { RunProgress } from './jobs.ts';
import { TradeSide } from './markets.ts';

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

/** What a client says on `/v1/stream`, one JSON text per message. */
export const ClientMessage = Type.Union([
  Type.Object(
    {
      op: Type.Literal('subscribe'),
      channel: Type.Literal('trades'),
      symbols: Type.Array(SymbolName, { minItems: 1, maxItems: symbolsPerClientMax, uniqueItems: true }),
      source: Type.Optional(SourceName),
      resumeToken: Type.Optional(
        Type.String({ maxLength: 4096, description: 'Of the last message received for these symbols.' }),
      ),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    {
      op: Type.Literal('unsubscribe'),
      channel: Type.Literal('trades'),
      symbols: Type.Array(SymbolName, { minItems: 1, maxItems: symbolsPerClientMax, uniqueItems: true }),
      source: Type.Optional(SourceName),
    },
    { additionalProperties: false },
  ),
  Type.Object(
    { op: Type.Enum(['subscribe', 'unsubscribe']), channel: RunChannel },
    { additionalProperties: false },
  ),
  Type.Object({ op: Type.Literal('ping') }, { additionalProperties: false }),
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

/** What the service says on `/v1/stream`. */
export const ServerMessage = Type.Union([
  Type.Object({
    op: Type.Literal('snapshot'),
    channel: Type.Literal('trades'),
    reset: Type.Boolean({
      description: 'A token was given (or was in use) but could not be honoured: trades may lie between.',
    }),
    data: Type.Array(SymbolTrades),
    resumeToken: Type.String(),
  }),
  Type.Object({
    op: Type.Literal('update'),
    channel: Type.Literal('trades'),
    data: Type.Array(SymbolTrades),
    resumeToken: Type.String(),
  }),
  Type.Object({
    op: Type.Literal('resumed'),
    channel: Type.Literal('trades'),
    symbols: Type.Array(SymbolName),
  }),
  Type.Object({
    op: Type.Literal('unsubscribed'),
    channel: Type.Literal('trades'),
    symbols: Type.Array(SymbolName),
  }),
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
]);
export type ServerMessage = Static<typeof ServerMessage>;
