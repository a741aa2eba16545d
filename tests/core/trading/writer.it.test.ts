import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseDecimal } from '#core/market/decimal.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { readOrder, readPortfolio } from '#core/trading/read.ts';
import { figuresOf, reconcile } from '#core/trading/reconcile.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { codeOf, fill, nowUs, openPortfolio, openTestTrading, placed, placement } from './support.ts';
import type { TestTrading } from './support.ts';

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
    const bought = placed(await writer.submit(placement(id, { quantity: parseDecimal('2') })));
    await writer.submitTogether([fill(id, bought.id, 7, parseDecimal('1'))]);
    const sale = placement(id, { side: 'sell', quantity: parseDecimal('0.25'), clientOrderId: 'sale' });
    const sold = placed(await writer.submit(sale));
    await writer.submitTogether([fill(id, sold.id, 8, parseDecimal('0.25'))]);
    const rejected = await writer.submit(placement(id, { price: parseDecimal('99.999') }));
    const mine = await writer.submit({
      portfolioId: id,
      atUs: nowUs(),
      kind: 'cancel_after',
      untilUs: nowUs() * 2,
    });

    const stored = await readPortfolio(trading.database, id);
    expect(stored).toBeDefined();
    expect(stored && figuresOf(stored.portfolio)).toEqual(figuresOf(mine.portfolio));
    expect(Object.fromEntries(figuresOf(mine.portfolio))).toMatchObject({
      'balances.USDT.available': '825',
      'balances.USDT.held': '100',
      'balances.BTC.available': '0.75',
      'holdings.BTC/USDT.lots.0.quantity': '0.75',
    });
    expect(await reconcile(trading.database, id)).toMatchObject({ differences: [], chain: { events: 10 } });
    expect(await readOrder(trading.database, sold.id)).toMatchObject({
      order: { status: 'filled', clientOrderId: 'sale' },
    });
    const [event] = rejected.events;
    const orderId = event?.type === 'order_rejected' ? event.orderId : '';
    expect(await readOrder(trading.database, orderId)).toMatchObject({
      order: { status: 'rejected' },
      rejected: { code: 'PRICE_OFF_TICK' },
    });
  });

  it('sees what another writer has stored since, whatever it remembers', async () => {
    const id = await openPortfolio(writer);
    const other = trading.newWriter();
    for (const one of [writer, other, writer, other, writer])
      expect((await one.submit(placement(id))).events).toHaveLength(1);
    const stored = await readPortfolio(trading.database, id);
    expect(stored?.portfolio.number).toBe(7);
    expect((await reconcile(trading.database, id)).differences).toEqual([]);
  });

  it('answers the same to the same keys, at once, later, and by another writer', async () => {
    const id = await openPortfolio(writer);
    const once = { key: randomUUID(), clientOrderId: 'mine', bodyHash: 'a' };
    const [first, twin] = await Promise.all([
      writer.submit(placement(id), once),
      writer.submit(placement(id), once),
    ]);
    await writer.submit({ portfolioId: id, atUs: nowUs(), kind: 'cancel_all', reason: 'requested' });
    const again = await trading.newWriter().submit(placement(id), once);
    const byClientId = await writer.submit(placement(id), { clientOrderId: 'mine', bodyHash: 'a' });
    const answers = [first, twin, again, byClientId];
    expect(answers.map(({ isReplay }) => isReplay)).toEqual([false, true, true, true]);
    for (const { events } of answers) expect(events).toEqual(first.events);
  });

  it('stores a rejection as an answer, and no refusal', async () => {
    const id = await openPortfolio(writer, { USDT: '50' });
    const once = { key: 'poor', bodyHash: 'a' };
    const rejected = await writer.submit(placement(id), once);
    expect(rejected.events).toMatchObject([{ type: 'order_rejected', code: 'INSUFFICIENT_BALANCE' }]);
    await writer.submit({
      ...{ portfolioId: id, atUs: nowUs(), kind: 'deposit', id: randomUUID(), asset: 'USDT' },
      amount: parseDecimal('1000'),
    });
    expect(await writer.submit(placement(id), once)).toMatchObject({
      isReplay: true,
      events: rejected.events,
    });

    const withdrawal = {
      ...{ portfolioId: id, atUs: nowUs(), kind: 'withdraw' as const, id: randomUUID(), asset: 'USDT' },
      amount: parseDecimal('2000'),
    };
    const key = { key: 'refused', bodyHash: 'a' };
    expect(await codeOf(writer.submit(withdrawal, key))).toBe('INSUFFICIENT_FUNDS');
    const less = { ...withdrawal, amount: parseDecimal('20') };
    expect(await writer.submit(less, { ...key, bodyHash: 'b' })).toMatchObject({ isReplay: false });
  });

  it('refuses a key with another body, and keys of two orders', async () => {
    const id = await openPortfolio(writer);
    await writer.submit(placement(id), { key: 'one', clientOrderId: 'c1', bodyHash: 'a' });
    await writer.submit(placement(id), { key: 'two', clientOrderId: 'c2', bodyHash: 'a' });
    const before = await readPortfolio(trading.database, id);
    for (const once of [
      { key: 'one', bodyHash: 'b' },
      { clientOrderId: 'c1', bodyHash: 'b' },
      { key: 'one', clientOrderId: 'c2', bodyHash: 'a' },
    ])
      expect(await codeOf(writer.submit(placement(id), once))).toBe('IDEMPOTENCY_CONFLICT');
    expect(await readPortfolio(trading.database, id)).toEqual(before);
  });

  it('writes nothing of what goes together where its guard fails, and all of it where it holds', async () => {
    const [a, b] = [await openPortfolio(writer), await openPortfolio(writer)];
    const orders = [placed(await writer.submit(placement(a))), placed(await writer.submit(placement(b)))];
    const fills = [a, b].map((id, index) => fill(id, orders[index]?.id ?? '', 3));
    const fenced = writer.submitTogether(fills, () =>
      Promise.reject(new TicklakeError('FENCED', 'not mine')),
    );
    expect(await codeOf(fenced)).toBe('FENCED');
    for (const { id } of orders)
      expect(await readOrder(trading.database, id)).toMatchObject({ order: { status: 'open' } });

    const unknown = fill(randomUUID(), orders[0]?.id ?? '', 3);
    const outcomes = await writer.submitTogether([...fills, unknown], async (tx) => {
      await tx.query('create table if not exists moved (place integer)');
      await tx.query('insert into moved values ($1)', [3]);
    });
    expect(outcomes.map((outcome) => 'submitted' in outcome)).toEqual([true, true, false]);
    for (const { id } of orders)
      expect(await readOrder(trading.database, id)).toMatchObject({ order: { status: 'filled' } });
    expect((await trading.database.query('select place from moved')).rows).toEqual([{ place: 3 }]);
  });

  it('does the rest of a batch where one command cannot be written', async () => {
    const [mine, theirs] = [await openPortfolio(writer), await openPortfolio(writer)];
    const taken = placed(await writer.submit(placement(theirs)));
    const clash = { ...placement(mine), orderId: taken.id };
    const [good, bad, better] = await Promise.allSettled([
      writer.submit(placement(mine)),
      writer.submit(clash),
      writer.submit(placement(mine)),
    ]);
    expect([good.status, bad.status, better.status]).toEqual(['fulfilled', 'rejected', 'fulfilled']);
    expect(await readOrder(trading.database, taken.id)).toMatchObject({ portfolioId: theirs });
    expect(await reconcile(trading.database, mine)).toMatchObject({ number: 4, differences: [] });
  });

  it('refuses more than may wait, and what comes after it was closed', async () => {
    const id = await openPortfolio(writer, { USDT: '100000' });
    const narrow = trading.newWriter({ waitingMax: 10 });
    const codes = await Promise.all(Array.from({ length: 30 }, () => codeOf(narrow.submit(placement(id)))));
    expect(codes.filter((code) => code === undefined)).toHaveLength(10);
    expect(codes.filter((code) => code === 'OVERLOADED')).toHaveLength(20);
    await narrow.close();
    expect(await codeOf(narrow.submit(placement(id)))).toBe('UNAVAILABLE');
    expect(await codeOf(writer.submit(placement('no-portfolio')))).toBe('NOT_FOUND');
    expect(await codeOf(writer.submit(placement(randomUUID())))).toBe('NOT_FOUND');
  });
});
