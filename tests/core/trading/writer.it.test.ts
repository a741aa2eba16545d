import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decimalText, parseDecimal } from '#core/market/decimal.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { fill, nowUs, openPortfolio, openTestTrading, placement, type TestTrading } from './support.ts';

describe('the durable path', { timeout: 120_000 }, () => {
  let trading: TestTrading;
  let writer: TradingWriter;

  beforeAll(async () => {
    trading = await openTestTrading();
    writer = trading.newWriter();
  }, 120_000);
  afterAll(async () => await trading.close());

  it('stores what follows from commands, and reads it back as it was', async () => {
    const id = await openPortfolio(writer);
    const placed = await writer.submit(placement(id, { quantity: parseDecimal('2') }));
    const [accepted] = placed.events;
    expect(accepted).toMatchObject({ type: 'order_accepted', number: 3 });
    const orderId = accepted?.type === 'order_accepted' ? accepted.order.id : '';
    await writer.submitTogether([fill(id, orderId, 7)]);
    await writer.submit(placement(id, { quantity: parseDecimal('0.5'), price: parseDecimal('200') }));

    const other = trading.newWriter();
    const mine = await writer.submit({
      portfolioId: id,
      atUs: nowUs(),
      kind: 'cancel_all',
      source: 'no',
      reason: 'requested',
    });
    const theirs = await other.submit({
      portfolioId: id,
      atUs: nowUs(),
      kind: 'cancel_all',
      source: 'no',
      reason: 'requested',
    });
    expect(theirs.portfolio).toEqual(mine.portfolio);
    const usdt = theirs.portfolio.balances.get('USDT');
    expect(decimalText(usdt?.available ?? (-1n as never))).toBe('800');
  });

  it('answers the same to the same key, and refuses another body', async () => {
    const id = await openPortfolio(writer);
    const once = { key: randomUUID(), clientOrderId: 'mine', bodyHash: 'a' };
    const [first, twin] = await Promise.all([
      writer.submit(placement(id), once),
      writer.submit(placement(id), once),
    ]);
    const again = await trading.newWriter().submit(placement(id), once);
    expect([first.isReplay, twin.isReplay, again.isReplay]).toEqual([false, true, true]);
    expect(twin.events).toEqual(first.events);
    expect(again.events).toEqual(first.events);
    const other = writer.submit(placement(id), { ...once, bodyHash: 'b' });
    await expect(other).rejects.toSatisfy((error) => isTicklakeError(error, 'IDEMPOTENCY_CONFLICT'));
  });
});
