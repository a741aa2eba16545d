/**
 * A broadcast as one writes it first: `ws`, and for each client a text of its own of what the log brought. Arguments: the data
 * dir, and the milliseconds that records are gathered for. Says its port to who started it.
 */
import { once } from 'node:events';
import { WebSocketServer, type WebSocket } from 'ws';
import { openRuntime } from '#cli/runtime.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';

interface Trade {
  source: string;
  symbol: string;
  trade_id: number;
  price: string;
  volume: string;
  side: string;
  timestamp_us: number;
}

const [, , dataDir = '', frameMsText = '0'] = process.argv;
const frameMs = Number(frameMsText);
// Who started it may be gone.
process.on('disconnect', () => process.exit());

const config = loadConfig({ env: {}, overrides: { dataDir, logLevel: 'error' } });
const logger = createLogger({ level: config.logLevel, name: 'naive' });
const { log } = await openRuntime(config, 'api', 'naive', logger);
const server = new WebSocketServer({ host: '127.0.0.1', port: 0, perMessageDeflate: false });
await once(server, 'listening');
const clients = new Map<WebSocket, Set<string>>();
server.on('connection', (socket) => {
  socket.on('message', (data: Buffer) => {
    const { symbols } = JSON.parse(data.toString()) as { symbols: string[] };
    clients.set(socket, new Set(symbols));
    socket.send(JSON.stringify({ op: 'snapshot', channel: 'trades', data: [] }));
  });
  socket.on('close', () => clients.delete(socket));
});
const { partitions } = await log.describe(tradesTopic);
const address = server.address();
process.send?.(typeof address === 'object' ? address?.port : undefined);

let gathered: Trade[] = [];
let timer: NodeJS.Timeout | undefined;
const signal = new AbortController().signal;
const from = partitions.map(({ partition, endOffset }) => ({ partition, offset: endOffset }));
for await (const { lines } of log.read({ topic: tradesTopic, from, signal })) {
  for (const line of lines.toString().split('\n')) {
    if (line !== '') gathered.push(JSON.parse(line) as Trade);
  }
  if (frameMs === 0) broadcast();
  else timer ??= setTimeout(broadcast, frameMs);
}

function broadcast(): void {
  timer = undefined;
  const trades = gathered;
  gathered = [];
  for (const [socket, symbols] of clients) {
    const wanted = trades.filter(({ symbol }) => symbols.has(symbol));
    const data = [...Map.groupBy(wanted, ({ symbol }) => symbol)].map(([symbol, of]) => ({
      symbol,
      source: of[0]?.source,
      trades: of.map((trade) => ({
        sequence: trade.trade_id,
        price: trade.price,
        volume: trade.volume,
        side: trade.side,
        timestamp: new Date(trade.timestamp_us / 1_000).toISOString(),
      })),
    }));
    if (data.length > 0) socket.send(JSON.stringify({ op: 'update', channel: 'trades', data }));
  }
}
