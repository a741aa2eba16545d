import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { WebSocket } from 'ws';
import type { NewSession } from '#api/schemas/identity.ts';
import type { ServerMessage } from '#api/schemas/stream.ts';
import { pssMb } from '#bench/support/processes.ts';
import { openMarketOrders } from '#bench/trading/orders.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { startRelay } from '#pipelines/relay-orders/relay.ts';
import { SureClient } from './sure-client.ts';
import { openTradingRoles, source, symbol, type TradingRoles } from './trading-roles.ts';

export interface StalledReadersOptions {
  /** Clients that stop reading. */
  readers: number;
  /** What the API has to say to each of them meanwhile, in megabytes of trades. */
  floodMb: number;
  say?: (line: string) => void;
}

export interface StalledReadersResult {
  /** What must not be; empty when the proof holds. */
  problems: string[];
  figures: {
    readers: number;
    /** Messages the API would have had to keep for them without a bound. */
    floodMb: number;
    dropped: number;
    /** The most that waited for clients, and the API's own memory before and at its most (PSS). */
    bufferedMbMax: number;
    pssMbBefore: number;
    pssMbMax: number;
  };
}

const password = 'correct horse battery staple';
const megabyte = 1024 * 1024;
/** The bound of a process (64 MiB), the megabyte that it is looked at by, and what one look may come too late. */
const bufferedMbBound = 80;
/** Beside what waits: what the flood itself takes on its way through. */
const growthMbBound = 250;
const tradesPerAppend = 2_000;
/** Of a trade in a message. */
const bytesPerTrade = 120;
const eventsOfOrders = 40;

/**
 * Clients that follow trades and a portfolio's orders stop reading, while trades flood in. What waits for them stays within
 * bounds, they are dropped, and one that comes back with its token is told every event of an order that it missed.
 */
export async function stalledReadersRun(options: StalledReadersOptions): Promise<StalledReadersResult> {
  const roles = await openTradingRoles();
  const { database, log, logger, metrics } = roles.lake;
  const relay = await startRelay({ database, log, logger, metrics });
  const market = openMarketOrders();
  const writer = openTradingWriter({ database, surroundings: market.surroundings, metrics });
  const sockets: WebSocket[] = [];
  try {
    await roles.trade('60000.00');
    const api = await roles.startApi();
    const client = new SureClient(api.url);
    const body = { email: 'slow@sockets.invalid', password };
    const { id: userId } = (await client.ask('POST', '/v1/users', { body })).body as { id: string };
    const { token } = (await client.ask('POST', '/v1/sessions', { body })).body as NewSession;
    const [portfolioId = ''] = await market.openPortfolios(writer, 1, userId);
    const figures = { readers: options.readers, floodMb: options.floodMb, dropped: 0, bufferedMbMax: 0 };
    const memory = { pssMbBefore: (await pssMb(api.pid())) ?? 0, pssMbMax: 0 };
    const problems: string[] = [];
    const url = `${api.url.replace('http', 'ws')}/v1/stream`;

    const open = async (resumeToken?: string): Promise<{ socket: WebSocket; said: ServerMessage[] }> => {
      const socket = new WebSocket(url, {
        headers: { authorization: `Bearer ${token}` },
        perMessageDeflate: false,
      });
      sockets.push(socket);
      const said: ServerMessage[] = [];
      socket.on('error', () => undefined);
      socket.on('message', (data: Buffer) => said.push(JSON.parse(data.toString()) as ServerMessage));
      await once(socket, 'open');
      socket.send(JSON.stringify({ op: 'subscribe', channel: 'trades', symbols: [symbol], source }));
      socket.send(JSON.stringify({ op: 'subscribe', channel: 'orders', portfolioId, resumeToken }));
      return { socket, said };
    };
    const readers = await Promise.all(Array.from({ length: options.readers }, () => open()));
    await roles.until('all to follow', () =>
      Promise.resolve(readers.every(({ said }) => tokenOf(said) !== undefined)),
    );
    const resumeToken = tokenOf(readers[0]?.said ?? []);
    for (const { socket } of readers) socket.pause();
    options.say?.(`${readers.length} clients stop reading`);

    const look = async (): Promise<void> => {
      const text = await (await fetch(`${api.url}/metrics`)).text();
      const figure = (name: string): number =>
        Number(new RegExp(`^${name} (\\S+)$`, 'm').exec(text)?.[1] ?? 0);
      figures.dropped = figure('ticklake_stream_slow_readers_total');
      const bufferedMb = figure('ticklake_stream_buffered_bytes') / megabyte;
      figures.bufferedMbMax = Math.max(figures.bufferedMbMax, bufferedMb);
      memory.pssMbMax = Math.max(memory.pssMbMax, (await pssMb(api.pid())) ?? 0);
    };
    const appends = Math.ceil((options.floodMb * megabyte) / (tradesPerAppend * bytesPerTrade));
    for (let append = 0; append < appends; append++) {
      await flood(roles, append);
      const placed = (append + 1) * Math.ceil(eventsOfOrders / appends);
      for (let order = append * Math.ceil(eventsOfOrders / appends); order < placed; order++)
        await writer.submit(market.placement(portfolioId));
      await look();
    }
    await roles.until('the slow ones to be dropped', async () => {
      await look();
      return figures.dropped >= 1 && (await stillOpen(api.url)) === 0;
    });
    const { rows } = await database.query<{ number: number }>(
      `select number from trading.events where portfolio_id = $1 and type like 'order\\_%' order by number`,
      [portfolioId],
    );
    const back = await open(resumeToken);
    const numbers = (): number[] =>
      back.said.flatMap((message) =>
        message.op === 'update' && message.channel === 'orders'
          ? message.data.map(({ number }) => number)
          : [],
      );
    await roles.until('the one that came back to be told all', () =>
      Promise.resolve(numbers().length >= rows.length),
    );
    if (numbers().join() !== rows.map(({ number }) => number).join())
      problems.push(`the one that came back was told ${numbers().join()}`);
    if (figures.bufferedMbMax > bufferedMbBound) problems.push(`${figures.bufferedMbMax} MB waited`);
    const growth = memory.pssMbMax - memory.pssMbBefore;
    if (growth > growthMbBound + bufferedMbBound) problems.push(`the API grew by ${growth} MB`);
    return { problems, figures: { ...figures, ...memory } };
  } finally {
    for (const socket of sockets) socket.terminate();
    await writer.close();
    await relay.close();
    await roles.close();
  }
}

function tokenOf(said: readonly ServerMessage[]): string | undefined {
  const snapshot = said.find((message) => message.op === 'snapshot' && message.channel === 'orders');
  return snapshot !== undefined && 'resumeToken' in snapshot ? snapshot.resumeToken : undefined;
}

/** Some thousand trades at once. */
async function flood({ lake }: TradingRoles, append: number): Promise<void> {
  const records = Array.from({ length: tradesPerAppend }, (_, index) => {
    const tradeId = 1_000 + append * tradesPerAppend + index;
    const trade = { source, symbol, tradeId, price: '60000.00', volume: '0.50000000', side: 'buy' as const };
    const value = encodeTrade({ ...trade, timestampUs: Date.now() * 1_000 }, 'stream', '0');
    return { key: tradeKey(source, symbol), value };
  });
  await lake.log.append(tradesTopic, records);
  await sleep(1);
}

async function stillOpen(url: string): Promise<number> {
  const health = (await (await fetch(`${url}/health`)).json()) as { stream: { clients: number } };
  return health.stream.clients;
}
