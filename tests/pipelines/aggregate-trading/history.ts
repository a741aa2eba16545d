import { randomUUID } from 'node:crypto';
import { parseDecimal, zero } from '#core/market/decimal.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { Command } from '#core/trading/command.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { storedEvents } from '#core/trading/replay.ts';
import { openTradingWriter, type TradingWriter } from '#core/trading/writer.ts';
import type { DeliveredEvent } from '#pipelines/deliver-events/consumer.ts';
import { placement, surroundings } from '#tests/core/trading/support.ts';
import { randomOf } from '#tests/faults/random.ts';

export const startUs = Date.parse('2026-03-01T10:20:00Z') * 1_000;
const minuteUs = 60_000_000;

/** A portfolio with what has happened to it. */
export interface Traded {
  portfolioId: string;
  userId: string;
}

/** A writer that takes fees. */
export function feesWriter(database: Database): TradingWriter {
  const fees = { maker: parseDecimal('0.001'), taker: parseDecimal('0.002') };
  return openTradingWriter({
    database,
    surroundings: { ...surroundings, fees },
    metrics: new Metrics(),
  });
}

/** Money that comes and goes, and orders that are filled, rejected and cancelled, at random over some days. */
export async function tradeAtRandom(
  writer: TradingWriter,
  userId: string,
  { seed, count }: { seed: number; count: number },
): Promise<Traded> {
  const random = randomOf(seed);
  const portfolioId = randomUUID();
  let atUs = startUs + Math.floor(random() * 90) * minuteUs;
  let tradeId = 1;
  const submit = async (command: object): Promise<unknown> =>
    await writer.submit({ portfolioId, atUs, ...command } as Command).catch(() => undefined);
  await submit({ kind: 'open_portfolio', userId, name: 'Random', limits: defaultLimits });
  await submit({ kind: 'deposit', id: randomUUID(), asset: 'USDT', amount: parseDecimal('5000') });
  for (let i = 0; i < count; i += 1) {
    atUs += Math.floor(random() * random() * 150 * minuteUs) + 1;
    const amount = parseDecimal(`${Math.floor(1 + random() * 400)}.25`);
    const kind = random();
    if (kind < 0.08) await submit({ kind: 'deposit', id: randomUUID(), asset: 'USDT', amount });
    else if (kind < 0.12)
      await submit({ kind: 'deposit', id: randomUUID(), asset: 'BTC', amount: parseDecimal('0.5') });
    else if (kind < 0.2) await submit({ kind: 'withdraw', id: randomUUID(), asset: 'USDT', amount });
    else if (kind < 0.25) await submit({ ...order('buy', '99999'), orderId: randomUUID() });
    else {
      const orderId = randomUUID();
      const quantity = `${(1 + Math.floor(random() * 40)) / 10}`;
      await submit({ ...order(random() < 0.55 ? 'buy' : 'sell', quantity), orderId });
      const filled = parseDecimal(random() < 0.5 ? quantity : '0.1');
      const activate = { kind: 'activate_order', orderId, activeAfterTradeId: tradeId, queueAhead: zero };
      tradeId += 1;
      const price = parseDecimal('100');
      const fill = {
        ...{ kind: 'fill_order', orderId, tradeId, quantity: filled, price, liquidity: 'maker' },
        ...{ queueAhead: zero, marketTimeUs: atUs },
      };
      if (random() < 0.8) await submit({ kind: 'execute', steps: [activate, fill] });
      if (random() < 0.5) await submit({ kind: 'cancel_order', orderId, reason: 'requested' });
    }
  }
  return { portfolioId, userId };
}

/** All events of a portfolio as consumers are given them. */
export async function eventsOf(database: Database, portfolioId: string): Promise<DeliveredEvent[]> {
  const events: DeliveredEvent[] = [];
  for await (const { text } of storedEvents(database, portfolioId)) events.push(parseEvent(text));
  return events;
}

function order(side: 'buy' | 'sell', quantity: string): object {
  const { kind, request } = placement('', { side, quantity: parseDecimal(quantity) });
  return { kind, request };
}
