import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { parseDecimal } from '#core/market/decimal.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { partitionOf } from '#core/streams/partitioner.ts';
import { parseEvent } from '#core/trading/codec.ts';
import { paperFees } from '#core/trading/fees.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import { traderGroup } from '#pipelines/execute-orders/execute.ts';
import { noteVenueTime } from '#pipelines/ingest-trades/symbols.ts';
import { knowSymbols, openTestLake, type TestLake } from '#tests/support/lake.ts';

const command = fileURLToPath(new URL('../../cli/ticklake.js', import.meta.url));
const source = 'venue';
const partitions = 4;
const startUs = Date.UTC(2024, 2, 5) * 1_000;
const untilMs = 90_000;

interface TraderProcess {
  child: ChildProcess;
  /** What it warned of, each a line of JSON. */
  warnings: string[];
}

let lake: TestLake;
let writer: TradingWriter;
const traders: TraderProcess[] = [];
let lastTradeId = 0;

/** The first member keeps the lower half of the partitions when a second one comes. */
const [ofFirst, ofSecond] = [marketIn([0, 1]), marketIn([2, 3])];

function marketIn(wanted: readonly number[]): string {
  const names = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'].map((letter) => `${letter.repeat(3)}USDT`);
  const name = names.find((symbol) => wanted.includes(partitionOf(tradeKey(source, symbol), partitions)));
  if (name === undefined) throw new RangeError(`no market is in partition ${wanted.join(' or ')}`);
  return name;
}

beforeAll(async () => {
  lake = await openTestLake();
  await knowSymbols(lake.database, source, [ofFirst, ofSecond]);
  await noteVenueTime(lake.database, source, startUs);
  const market = (_: string, symbol: string) => ({
    rules: {
      ...{ source, symbol, base: symbol.slice(0, 3), quote: 'USDT', isTrading: true },
      ...{
        tickSize: parseDecimal('0.01'),
        stepSize: parseDecimal('0.00001'),
        minNotional: parseDecimal('5'),
      },
    },
    last: { price: parseDecimal('100'), tradeId: lastTradeId, timeUs: startUs },
    timeUs: startUs,
  });
  const surroundings = { market, fees: paperFees };
  writer = openTradingWriter({ database: lake.database, surroundings, metrics: lake.metrics });
});

afterAll(async () => {
  for (const { child } of traders) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }
  await writer.close();
  await lake.close();
});

function startTrader(): TraderProcess {
  const env = {
    ...process.env,
    ...{ TICKLAKE_DATABASE_URL: lake.url, TICKLAKE_LOG_PARTITIONS: String(partitions) },
    ...{ TICKLAKE_DATA_DIR: join(lake.dir, `trader-${traders.length}`), TICKLAKE_LOG_LEVEL: 'warn' },
  };
  const args = ['--disable-warning=ExperimentalWarning', command, 'run', 'trader'];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'], env });
  const warnings: string[] = [];
  child.stderr.setEncoding('utf8').on('data', (text: string) => warnings.push(text));
  const trader = { child, warnings };
  traders.push(trader);
  return trader;
}

async function until(what: string, isSo: () => Promise<boolean> | boolean): Promise<void> {
  const deadlineMs = Date.now() + untilMs;
  while (!(await isSo())) {
    const said = traders.flatMap(({ warnings }) => warnings).join('');
    if (Date.now() > deadlineMs) throw new Error(`waited ${untilMs} ms in vain for ${what}\n${said}`);
    await sleep(25);
  }
}

async function openPortfolio(): Promise<string> {
  const portfolioId = randomUUID();
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  const opened = { userId: randomUUID(), name: 'Test', limits: defaultLimits };
  await writer.submit({ ...at, kind: 'open_portfolio', ...opened });
  const amount = parseDecimal('10000');
  await writer.submit({ ...at, kind: 'deposit', id: randomUUID(), asset: 'USDT', amount });
  return portfolioId;
}

/** A purchase of 1 that rests, as its price is below the last one. */
async function rest(portfolioId: string, symbol: string, below: string): Promise<string> {
  const orderId = randomUUID();
  const price = parseDecimal(below);
  const terms = {
    side: 'buy',
    type: 'limit',
    quantity: parseDecimal('1'),
    price,
    timeInForce: 'GTC',
    postOnly: false,
  } as const;
  const at = { portfolioId, atUs: Date.now() * 1_000 };
  await writer.submit({ ...at, kind: 'place_order', orderId, request: { source, symbol, ...terms } });
  await until('an order to rest', async () => (await stateOf(orderId)).active >= 0);
  return orderId;
}

async function trade(symbol: string, at: string, volume: string): Promise<number> {
  lastTradeId += 1;
  const of = { source, symbol, tradeId: lastTradeId, timestampUs: startUs + lastTradeId * 1_000 };
  const value = encodeTrade({ ...of, price: at, volume, side: 'sell' }, 'stream', '0');
  await lake.log.append(tradesTopic, [{ key: tradeKey(source, symbol), value }]);
  return lastTradeId;
}

async function stateOf(orderId: string): Promise<{ status: string; active: number }> {
  const { rows } = await lake.database.query<{ status: string; active: number }>(
    'select status, active_after_trade_id as active from trading.orders where order_id = $1',
    [orderId],
  );
  return rows[0] ?? { status: 'none', active: -1 };
}

function untilFilled(orderId: string): Promise<void> {
  return until('an order to be filled', async () => (await stateOf(orderId)).status === 'filled');
}

async function epochsOf(symbol: string): Promise<number> {
  const { rows } = await lake.database.query<{ epoch: number }>(
    `select max(owner_epoch)::integer as epoch from log.offsets
      where consumer_group = $1 and topic = $2 and partition = $3`,
    [traderGroup, tradesTopic, partitionOf(tradeKey(source, symbol), partitions)],
  );
  return rows[0]?.epoch ?? 0;
}

async function isWaitingForLock(): Promise<boolean> {
  const { rows } = await lake.database.query<{ n: number }>(
    `select count(*)::integer as n from pg_stat_activity
      where application_name = 'ticklake trading' and wait_event_type = 'Lock'`,
  );
  return (rows[0]?.n ?? 0) > 0;
}

async function fillsOf(portfolioId: string): Promise<string[]> {
  const { rows } = await lake.database.query<{ body: string }>(
    `select body from trading.events where portfolio_id = $1 and type = 'order_filled' order by number`,
    [portfolioId],
  );
  return rows.flatMap(({ body }) => {
    const { event } = parseEvent(body);
    return event.type === 'order_filled' ? [`${event.order.id} ${event.fill.tradeId}`] : [];
  });
}

test(
  'a trader that was paused amid a fill, past its session, fills nothing that another has filled',
  { timeout: 300_000 },
  async () => {
    const first = startTrader();
    await until(
      'the first trader',
      async () => (await epochsOf(ofFirst)) === 1 && (await epochsOf(ofSecond)) === 1,
    );
    startTrader();
    await until('the second trader', async () => (await epochsOf(ofSecond)) === 2);
    expect(await epochsOf(ofFirst)).toBe(1);
    await trade(ofFirst, '100', '1');
    await trade(ofSecond, '100', '1');
    const portfolios = [await openPortfolio(), await openPortfolio()] as const;
    const [one, other] = portfolios;
    const orders = [await rest(one, ofFirst, '99'), await rest(other, ofFirst, '99')] as const;

    // Its transaction has begun and waits for a portfolio as the first trader stops.
    const paused = await lake.database.transaction(async (tx) => {
      await tx.query('select from trading.heads where portfolio_id = $1 for update', [one]);
      const tradeId = await trade(ofFirst, '99', '1');
      await until('the trader amid its transaction', isWaitingForLock);
      first.child.kill('SIGSTOP');
      return tradeId;
    });
    await until('the second trader to take over', async () => (await epochsOf(ofFirst)) === 2);
    await untilFilled(orders[0]);
    await untilFilled(orders[1]);
    const meanwhile = await rest(one, ofFirst, '98');
    const met = await trade(ofFirst, '98', '1');
    await untilFilled(meanwhile);

    first.child.kill('SIGCONT');
    await until('the refusal', () => first.warnings.some((line) => line.includes('"code":"FENCED"')));
    const later = [await rest(one, ofFirst, '97'), await rest(other, ofSecond, '97')] as const;
    const last = [await trade(ofFirst, '97', '1'), await trade(ofSecond, '97', '1')] as const;
    await untilFilled(later[0]);
    await untilFilled(later[1]);

    expect(await fillsOf(one)).toEqual([
      `${orders[0]} ${paused}`,
      `${meanwhile} ${met}`,
      `${later[0]} ${last[0]}`,
    ]);
    expect(await fillsOf(other)).toEqual([`${orders[1]} ${paused}`, `${later[1]} ${last[1]}`]);
    for (const portfolioId of portfolios) {
      const { differences, chain } = await reconcile(lake.database, portfolioId);
      expect({ differences, fault: chain.fault }).toEqual({ differences: [], fault: undefined });
    }
  },
);
