import { createServer } from 'node:http';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { ArchiveFaults } from './archive/faults.ts';
import { ArchiveFiles } from './archive/files.ts';
import { Chronicle } from './chronicle.ts';
import { VirtualClock } from './clock.ts';
import { Faults } from './faults.ts';
import { Feed } from './feed.ts';
import { createHandler } from './http.ts';
import { closeServer, listen } from './listen.ts';
import type { SimulatorAccount } from './orders/account.ts';
import { ExchangeOrders } from './orders/exchange-orders.ts';
import { createSignedServer } from './orders/serve.ts';
import { Player } from './player.ts';
import { endpointsOf } from './rest.ts';
import { seededLife } from './seeded-life.ts';
import { acceptSockets } from './sockets.ts';
import { dayMs } from './market-tape.ts';
import { Tape } from './tape.ts';
import { truthOf } from './truth.ts';
import { WeightLimit } from './weight.ts';

export interface SimulatorOptions {
  /** Which tape is played; a whole number from 0 to 2^32 − 1. */
  seed: number;
  /** How many markets are listed, 1 to 500. A larger number adds markets and changes none. */
  symbols: number;
  /** Virtual seconds to a real one, or `max`: as fast as the listeners read (real time while none does). */
  speed: number | 'max';
  /**
   * Where time begins if `clockFile` does not say. Default: the real time at speed 1, else midnight a year ago, so that
   * fast virtual time does not soon overtake the real one.
   */
  startTimeUs?: number;
  /** 0 takes a free one. */
  port: number;
  host?: string;
  /** Keeps the virtual time between runs; see {@link VirtualClock}. */
  clockFile?: string;
  /** Multiplies the number of trades (up to 50); another rate is another tape. */
  rate?: number;
  weightLimitPerMinute?: number;
  /**
   * Whether the seed also brings outages, halts, delistings and reused names (see {@link seededLife}); default no. An
   * eventful tape is another tape.
   */
  life?: 'calm' | 'eventful';
  /** Customers who may place orders, by their keys; see {@link ExchangeOrders}. Signed requests need speed 1. */
  accounts?: readonly SimulatorAccount[];
  logger: Logger;
  metrics: Metrics;
}

export interface Simulator {
  port: number;
  url: string;
  wsUrl: string;
  /** The venue's name in the lake: `simulator:<seed>`. */
  source: string;
  close(): Promise<void>;
}

/**
 * An exchange on this machine: Binance spot's REST and WebSocket protocol over a tape made of a seed. Nothing is served
 * from beyond its virtual time, and REST serves exactly the trades that the streams sent. Throws USAGE, PORT_IN_USE, and
 * what {@link VirtualClock}, {@link Chronicle} and {@link ArchiveFaults} throw.
 */
export async function startSimulator(options: SimulatorOptions): Promise<Simulator> {
  checkOptions(options);
  const { seed, speed, rate = 1, life = 'calm', host = '127.0.0.1', logger, metrics } = options;
  const tape = new Tape({ seed, symbols: options.symbols, rate });
  const clock = new VirtualClock({
    tape: { seed, rate, life },
    startUs: options.startTimeUs ?? defaultStartUs(speed),
    ...(options.clockFile === undefined ? {} : { file: options.clockFile }),
  });
  const nowMs = () => clock.nowMs;
  const markets = tape.markets.map(({ market }) => market);
  const chronicle = new Chronicle({
    ...{ tape, rate, nowMs, file: besideClock(options.clockFile, 'incidents') },
    given: life === 'eventful' ? seededLife(seed, markets) : [],
  });
  const archiveFile = besideClock(options.clockFile, 'archive');
  const archiveFaults = new ArchiveFaults(seed, archiveFile, () => archiveFiles.forget());
  const archiveFiles = new ArchiveFiles(tape, archiveFaults, nowMs);
  const archive = { files: archiveFiles, faults: archiveFaults };
  const meters = createMeters(metrics);
  const faults = new Faults(seed, meters.faults);
  const feed = new Feed(tape, faults, clock.nowMs);
  const weight = new WeightLimit(options.weightLimitPerMinute ?? 6_000);
  const state = () => ({
    ...{ seed, speed, rate, life, symbols: tape.markets.length, nowUs: Math.floor(clock.nowUs) },
    ...{ clients: feed.hub.clients.size, tradesSent: feed.trades, usedWeight: weight.used },
    faults: { active: faults.active, struck: Object.fromEntries(faults.struck) },
  });
  const { requests } = meters;
  const endpoints = endpointsOf(tape, nowMs, weight.limit);
  const orders = new ExchangeOrders({ tape, nowMs, accounts: options.accounts ?? [] });
  const signed = createSignedServer({ orders, weight, faults, chronicle });
  const truth = () => truthOf(tape, chronicle, clock.nowMs);
  const server = createServer(
    createHandler({
      ...{ seed, endpoints, orders, signed, weight, faults, chronicle, archive, state, truth },
      ...{ requests, logger },
    }),
  );
  const port = await listen(server, options.port, host);
  const sockets = acceptSockets(server, feed.hub, meters.clients);
  const { trades, shed, pending } = meters;
  const player = new Player({ speed, clock, feed, faults, logger, trades, shed, pending });
  logger.info({ port, seed, speed, virtualTime: new Date(clock.nowMs).toISOString() }, 'simulator listens');
  return {
    port,
    url: `http://${host}:${port}`,
    wsUrl: `ws://${host}:${port}`,
    source: `simulator:${seed}`,
    async close() {
      player.stop();
      sockets.close();
      await closeServer(server);
      clock.close();
    },
  };
}

function checkOptions({ seed, symbols, speed, rate = 1 }: SimulatorOptions): void {
  const isWhole = (value: number, most: number) => Number.isInteger(value) && value >= 0 && value <= most;
  const wrong =
    (!isWhole(seed, 2 ** 32 - 1) && `seed ${seed}, not a whole number from 0 to 4294967295`) ||
    (!(isWhole(symbols, 500) && symbols > 0) && `${symbols} symbols, not 1 to 500`) ||
    (speed !== 'max' &&
      !(speed > 0 && speed <= 1e6) &&
      `speed ${speed}, not above 0, up to 1000000, or max`) ||
    (!(rate > 0 && rate <= 50) && `rate ${rate}, not above 0, up to 50`);
  if (wrong === false) return;
  throw new TicklakeError('USAGE', `the simulator cannot start with ${wrong}`, {
    remedy: 'Correct that option.',
  });
}

/** `simulator-42.clock.json` → `simulator-42.incidents.json`. */
function besideClock(clockFile: string | undefined, what: string): string | undefined {
  return clockFile?.replace(/(\.clock)?(\.json)?$/, `.${what}.json`);
}

function defaultStartUs(speed: number | 'max'): number {
  if (speed === 1) return Date.now() * 1000;
  return (Math.floor(Date.now() / dayMs) - 365) * dayMs * 1000;
}

function createMeters(metrics: Metrics) {
  const name = (rest: string) => `ticklake_simulator_${rest}`;
  return {
    faults: metrics.counter(name('faults_total'), 'Faults that struck, by kind.', ['kind']),
    requests: metrics.counter(name('requests_total'), 'REST requests answered, by status.', ['status']),
    trades: metrics.counter(name('trades_total'), 'Trades sent on streams.'),
    shed: metrics.counter(name('shed_clients_total'), 'Clients disconnected because they read too slowly.'),
    pending: metrics.gauge(name('pending_bytes'), 'Bytes the slowest WebSocket client has not read.'),
    clients: metrics.gauge(name('clients'), 'Connected WebSocket clients.'),
  };
}
