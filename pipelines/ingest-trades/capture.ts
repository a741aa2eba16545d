import { setTimeout as sleep } from 'node:timers/promises';
import { encodeRefused, encodeTrade, type Trade } from '#core/market/trade.ts';
import type { Exchange, StreamEvent } from '#core/exchanges/exchange.ts';
import { isTicklakeError, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import type { EventLog, LogRecord } from '#core/streams/event-log.ts';
import { startHoleMender } from './mend-holes.ts';
import { knownSymbols, noteVenueTime, registerSymbols } from './symbols.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';

export interface CaptureOptions {
  exchange: Exchange;
  symbols: readonly string[];
  log: EventLog;
  database: Database;
  logger: Logger;
  metrics: Metrics;
  /** Holes that the socket shows are fetched from REST at once. */
  repairHoles: boolean;
  /** The venue's clock is read this often; 0 where it has none. */
  venueTimeMs: number;
  /** The socket was closed by the other side. */
  onDisconnected?: () => void;
}

export interface Capture {
  /**
   * Stops the socket and fetches the holes it showed; resolves when all of it is durable in the log. When the signal
   * aborts, holes that wait are left to the ledger.
   */
  drain(signal: AbortSignal): Promise<void>;
  /** Stops the socket and gives up holes that wait, the ledger keeps them; what it brought goes to the log. */
  close(): Promise<void>;
  /** Writes trades fetched from REST to the log. */
  writeRepaired(trades: readonly Trade[]): Promise<void>;
}

/** Records waiting for the log beyond which the socket is not read, and at which it is read again. */
const queuedRecordsMax = 100_000;
const queuedRecordsLow = 25_000;
const appendRecordsMax = 20_000;
const appendPauseMs = 10;
const appendRetryMsMin = 50;
const appendRetryMsMax = 2_000;

/** Brings a venue's live trades into the log, with what could not be parsed beside them. */
export async function startCapture(options: CaptureOptions): Promise<Capture> {
  const { exchange, log, database, logger, metrics } = options;
  await askVenue(options);

  const queue: LogRecord[] = [];
  const keys = new Map<string, string>();
  const stopping = new AbortController();
  let paused = false;
  let closing = false;

  const queued = metrics.gauge('ticklake_capture_queued_records', 'Records waiting for the log');
  const pauses = metrics.counter(
    'ticklake_capture_pauses_total',
    'Times the socket was not read as the queue was full',
  );
  const captured = metrics.counter('ticklake_capture_records_total', 'Records written to the log', [
    'channel',
  ]);
  const mender = options.repairHoles
    ? startHoleMender({ exchange, write: writeRepaired, logger, metrics })
    : undefined;

  const stream = exchange.stream({ symbols: options.symbols, kinds: ['trade'], onEvent });
  const appending = appendLoop();
  const clock = options.venueTimeMs > 0 ? clockLoop() : Promise.resolve();

  return {
    async drain(signal) {
      await stream.close();
      closing = true;
      await Promise.all([appending, mender?.drain(signal)]);
    },
    async close() {
      await stream.close();
      closing = true;
      stopping.abort();
      await Promise.all([appending, mender?.close(), clock]);
    },
    writeRepaired,
  };

  function onEvent(event: StreamEvent): void {
    if (event.kind === 'trade') {
      const { trade, receivedNs } = event;
      enqueue({ key: keyOf(trade), value: encodeTrade(trade, 'stream', receivedNs) });
    } else if (event.kind === 'refused') {
      enqueue({
        key: exchange.source,
        value: encodeRefused(exchange.source, event.raw, event.reason, 'stream', event.receivedNs),
      });
    } else if (event.kind === 'hole') {
      mender?.add(event.symbol, event);
    } else if (event.kind === 'connected' || event.kind === 'disconnected') {
      logger.info({ connection: event.connectionId, reason: event.reason }, `exchange ${event.kind}`);
      if (event.kind === 'disconnected') options.onDisconnected?.();
    }
  }

  /** One text for each market, so that what hashes keys finds the hash in it. */
  function keyOf({ source, symbol }: Trade): string {
    let key = keys.get(symbol);
    if (key === undefined) keys.set(symbol, (key = tradeKey(source, symbol)));
    return key;
  }

  function enqueue(record: LogRecord): void {
    queue.push(record);
    if (!paused && queue.length >= queuedRecordsMax) {
      paused = true;
      pauses.inc();
      stream.pause();
    }
  }

  async function appendLoop(): Promise<void> {
    while (!closing || queue.length > 0) {
      if (queue.length === 0) {
        await sleep(appendPauseMs);
        continue;
      }
      const records = queue.splice(0, appendRecordsMax);
      queued.set(queue.length);
      await append(records);
      captured.inc({ channel: 'stream' }, records.length);
      if (paused && queue.length <= queuedRecordsLow) {
        paused = false;
        stream.resume();
      }
      if (queue.length < appendRecordsMax && !closing) await sleep(appendPauseMs);
    }
  }

  async function writeRepaired(trades: readonly Trade[]): Promise<void> {
    await append(trades.map((trade) => ({ key: keyOf(trade), value: encodeTrade(trade, 'rest', nowNs()) })));
    captured.inc({ channel: 'rest' }, trades.length);
  }

  /** Appends until it is durable: what was taken from the socket is not given up while the process lives. */
  async function append(records: readonly LogRecord[]): Promise<void> {
    for (let attempt = 0; ; attempt++) {
      try {
        await log.append(tradesTopic, records);
        return;
      } catch (error) {
        const waitMs = Math.min(appendRetryMsMax, appendRetryMsMin * 2 ** Math.min(attempt, 8));
        logger.warn({ err: error, attempt, waitMs }, 'the log took no records; trying again');
        await sleep(waitMs);
      }
    }
  }

  async function clockLoop(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sleep(options.venueTimeMs, undefined, { signal: stopping.signal }).catch(() => undefined);
      if (stopping.signal.aborted) return;
      try {
        await noteVenueTime(database, exchange.source, await exchange.timeUs(stopping.signal));
      } catch (error) {
        logger.debug({ err: error }, "the venue's clock was not read");
      }
    }
  }
}

/** Registers the markets and reads the venue's clock, or does without where REST is down and the markets are known. */
async function askVenue(options: CaptureOptions): Promise<void> {
  const { exchange, database, logger } = options;
  try {
    await registerWanted(options);
    if (options.venueTimeMs > 0) await noteVenueTime(database, exchange.source, await exchange.timeUs());
  } catch (error) {
    if (!isTicklakeError(error) || !error.retryable) throw error;
    const known = new Set(
      (await knownSymbols(database, 0))
        .filter((market) => market.source === exchange.source)
        .map((market) => market.symbol),
    );
    if (!options.symbols.every((symbol) => known.has(symbol))) throw error;
    logger.warn({ err: error, source: exchange.source }, 'REST is down; the stream begins without it');
  }
}

async function registerWanted({ exchange, symbols, database }: CaptureOptions): Promise<void> {
  const markets = new Map((await exchange.symbols()).map((market) => [market.symbol, market]));
  const unknown = symbols.filter((symbol) => !markets.has(symbol));
  if (unknown.length > 0) {
    throw new TicklakeError('CONFIG_INVALID', `${exchange.source} has no market ${unknown.join(', ')}`, {
      remedy: 'Name markets that the venue lists: --symbols A,B.',
    });
  }
  await registerSymbols(
    database,
    exchange.source,
    symbols.flatMap((symbol) => markets.get(symbol) ?? []),
  );
}

function nowNs(): string {
  return `${Date.now()}000000`;
}
