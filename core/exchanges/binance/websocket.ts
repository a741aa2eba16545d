import type { RawData } from 'ws';
import type { ExchangeStream, StreamKind, StreamRequest } from '#core/exchanges/exchange.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Connection } from './connection.ts';
import { defaultReorderWindow, HoleDetector, type ReorderWindow } from './holes.ts';
import { Lane } from './lane.ts';
import { createParser, type MarketEvent } from './parse.ts';
import { createReceiptClock } from './receipt-clock.ts';
import { StreamMeters } from './stream-meters.ts';
import { isSymbol, klineIntervals, streamName } from './symbol.ts';

export interface BinanceStreamOptions {
  source: string;
  /** Base of the websocket endpoint, without `/stream`. */
  wsUrl: string;
  logger: Logger;
  metrics: Metrics;
  reorderWindow?: ReorderWindow;
  connectTimeoutMs?: number;
  silenceMs?: number;
  maxAgeMs?: number;
  /** The venue allows 1,024. */
  streamsPerConnection?: number;
}

const sweepEveryMs = 100;
const maxStreamsPerConnection = 1_024;

/**
 * Live events of Binance's combined streams, until `close`. Trades come as the socket brings them, duplicates and
 * disorder included; holes in their ids are announced after a short window for late ones, also when a reconnect
 * made them. Throws BAD_REQUEST for a request that names no stream.
 */
export function openBinanceStream(request: StreamRequest, options: BinanceStreamOptions): ExchangeStream {
  const { source, logger } = options;
  const { onEvent } = request;
  const parse = createParser(source);
  const receivedNs = createReceiptClock();
  const meters = new StreamMeters(source, options.metrics);
  const holes = new HoleDetector(options.reorderWindow ?? defaultReorderWindow, (symbol, fromId, toId) => {
    meters.hole(toId - fromId);
    onEvent({ kind: 'hole', symbol, fromId, toId });
  });
  let connectionId = 0;
  let paused = false;

  function onMessage(data: RawData, isBinary: boolean, connection: Connection): void {
    const received = receivedNs();
    const raw = textOf(data);
    const parsed = isBinary ? binaryRefused(raw, received) : parse(raw, received);
    meters.message(parsed.kind);
    if (parsed.kind === 'answer') {
      connection.answered(parsed.error);
      return;
    }
    if (parsed.kind === 'snapshot') return;
    onEvent(parsed);
    if (parsed.kind === 'trade') holes.observe(parsed.trade.symbol, parsed.trade.tradeId, performance.now());
  }

  const streamsPerLane = Math.min(
    options.streamsPerConnection ?? maxStreamsPerConnection,
    maxStreamsPerConnection,
  );
  const lanes = lanesOf(streamsOf(request), streamsPerLane).map(
    (streams) =>
      new Lane({
        url: endpointOf(options.wsUrl),
        streams,
        connectTimeoutMs: options.connectTimeoutMs ?? 15_000,
        silenceMs: options.silenceMs ?? 60_000,
        maxAgeMs: options.maxAgeMs ?? 23 * 3_600_000,
        nextId: () => ++connectionId,
        onMessage,
        onConnected(id) {
          meters.connected(1);
          logger.info({ source, connectionId: id, streams: streams.length }, 'stream connected');
          onEvent({ kind: 'connected', connectionId: id, reason: `${streams.length} streams` });
        },
        onDisconnected(id, reason) {
          meters.connected(-1);
          logger.info({ source, connectionId: id, reason }, 'stream disconnected');
          onEvent({ kind: 'disconnected', connectionId: id, reason });
        },
        onRetry(reason, delayMs) {
          meters.reconnect();
          logger.warn({ source, reason, delayMs: Math.round(delayMs) }, 'stream will reconnect');
        },
      }),
  );

  const sweeper = setInterval(() => {
    if (!paused) holes.sweep(performance.now());
    meters.flush();
  }, sweepEveryMs);

  return {
    pause() {
      paused = true;
      for (const lane of lanes) lane.pause();
    },
    resume() {
      paused = false;
      holes.restartClocks(performance.now());
      for (const lane of lanes) lane.resume();
    },
    async close() {
      await Promise.all(lanes.map((lane) => lane.close()));
      clearInterval(sweeper);
      meters.flush();
    },
  };
}

/** Every stream of a symbol stays together, so that one connection's order is the symbol's order. */
function streamsOf(request: StreamRequest): string[] {
  const kinds: readonly StreamKind[] = request.kinds ?? ['trade'];
  const interval = request.interval ?? '';
  if (kinds.includes('kline') && !klineIntervals.includes(interval)) {
    throw badRequest(
      `kline streams need an interval, not '${interval}'`,
      `Give one of ${klineIntervals.join(', ')}.`,
    );
  }
  const bad = request.symbols.find((symbol) => !isSymbol(symbol));
  if (bad !== undefined)
    throw badRequest(`'${bad}' is no symbol`, 'Give the upper-case name, such as BTCUSDT.');
  if (request.symbols.length === 0 || kinds.length === 0) {
    throw badRequest('a stream needs a symbol and a kind', 'Name at least one of each.');
  }
  return request.symbols.flatMap((symbol) => kinds.map((kind) => streamName(symbol, kind, interval)));
}

function lanesOf(streams: readonly string[], size: number): string[][] {
  const lanes: string[][] = [];
  for (let i = 0; i < streams.length; i += size) lanes.push(streams.slice(i, i + size));
  return lanes;
}

function endpointOf(wsUrl: string): string {
  if (!URL.canParse(wsUrl)) throw badRequest(`'${wsUrl}' is no URL`, 'Give a URL with ws: or wss:.');
  return wsUrl.endsWith('/stream') ? wsUrl : `${wsUrl.replace(/\/+$/, '')}/stream`;
}

function binaryRefused(raw: string, receivedNs: string): MarketEvent {
  return { kind: 'refused', raw, reason: 'binary frame', receivedNs };
}

function textOf(data: RawData): string {
  if (Buffer.isBuffer(data)) return data.toString();
  return Array.isArray(data) ? Buffer.concat(data).toString() : Buffer.from(data).toString();
}

function badRequest(message: string, remedy: string): TicklakeError {
  return new TicklakeError('BAD_REQUEST', message, { remedy });
}
