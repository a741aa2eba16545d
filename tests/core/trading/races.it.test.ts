import { fork, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { decimalText, parseDecimal, zero } from '#core/market/decimal.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { reconcile } from '#core/trading/reconcile.ts';
import type { PlacerAnswer } from './placer.ts';
import { codeOf, nowUs, openPortfolio, openTestTrading, placement, type TestTrading } from './support.ts';

describe('orders that race', { timeout: 180_000 }, () => {
  let trading: TestTrading;
  let writer: TradingWriter;
  const placers: ChildProcess[] = [];

  beforeAll(async () => {
    trading = await openTestTrading();
    writer = trading.newWriter();
  }, 120_000);
  afterAll(async () => {
    for (const placer of placers) placer.kill('SIGKILL');
    await trading.close();
  });

  /** Another process with a writer of its own; it places orders and says what became of them. */
  async function startPlacer(): Promise<ChildProcess> {
    const placer = fork(fileURLToPath(new URL('placer.ts', import.meta.url)), [trading.url]);
    placers.push(placer);
    await once(placer, 'message');
    return placer;
  }

  it('for one balance, of two processes and three writers: what is there is spent once', async () => {
    const affordable = 500;
    const id = await openPortfolio(writer, { USDT: String(affordable * 100) });
    const placer = await startPlacer();
    const theirs = once(placer, 'message') as Promise<[PlacerAnswer]>;
    placer.send({ portfolioId: id, count: 1_000 });
    const writers = [writer, trading.newWriter()];
    const mine = await Promise.all(
      writers.flatMap((one) => Array.from({ length: 500 }, () => one.submit(placement(id)))),
    );
    const [{ accepted: acceptedTheirs, rejected: rejectedTheirs }] = await theirs;
    const acceptedMine = mine.filter(({ events }) => events[0]?.type === 'order_accepted').length;
    expect(acceptedMine + acceptedTheirs).toBe(affordable);
    expect(mine.length - acceptedMine + rejectedTheirs).toBe(2_000 - affordable);

    const stored = await readPortfolio(trading.database, id);
    expect(stored?.portfolio.balances.get('USDT')).toEqual({
      available: zero,
      held: parseDecimal(String(affordable * 100)),
    });
    const books = await reconcile(trading.database, id);
    expect(books).toMatchObject({ number: 2 + 2_000, differences: [] });
    expect(books.chain).toMatchObject({ events: 2 + 2_000 });
    expect(books.chain.fault).toBeUndefined();
  });

  it('of many portfolios in any order together: nobody waits in a ring', async () => {
    const ids = await Promise.all(Array.from({ length: 20 }, () => openPortfolio(writer)));
    const writers = [writer, trading.newWriter(), trading.newWriter()];
    const groups = Array.from({ length: 60 }, (_, index) => {
      const shuffled = ids.toSorted(() => Math.sin(index * 7.3 + 1) - 0.5);
      const orders = shuffled.map((id) => placement(id, { quantity: parseDecimal('0.1') }));
      return writers[index % writers.length]?.submitTogether(orders);
    });
    const outcomes = (await Promise.all(groups)).flat();
    expect(outcomes.filter((outcome) => outcome !== undefined && 'submitted' in outcome)).toHaveLength(1_200);
    const { rows } = await trading.database.query<{ deadlocks: number }>(
      'select deadlocks from pg_stat_database where datname = current_database()',
    );
    expect(rows).toEqual([{ deadlocks: 0 }]);
    for (const id of ids) expect((await reconcile(trading.database, id)).differences).toEqual([]);
  });

  it('with kill -9 between commit and answer: each key has one order, and the same answer', async () => {
    const id = await openPortfolio(writer, { USDT: '100000' });
    const answers = new Map<string, string>();
    for (let kills = 0; kills < 3; kills++) {
      const placer = await startPlacer();
      placer.on('message', ({ key, events }: { key: string; events: string }) => answers.set(key, events));
      const heard = once(placer, 'message');
      placer.send({ portfolioId: id, keys: Array.from({ length: 100 }, (_, index) => `${kills}/${index}`) });
      await heard;
      placer.kill('SIGKILL');
      await once(placer, 'exit');
    }
    const keys = [0, 1, 2].flatMap((kills) => Array.from({ length: 100 }, (_, index) => `${kills}/${index}`));
    for (let turn = 0; turn < 2; turn++) {
      await Promise.all(
        keys.map(async (key) => {
          const again = await writer.submit(placement(id), { key, bodyHash: 'same' });
          const events = JSON.stringify(again.events.map(({ number, atUs }) => [number, atUs]));
          if (answers.has(key)) expect([key, events]).toEqual([key, answers.get(key)]);
          answers.set(key, events);
        }),
      );
    }
    const books = await reconcile(trading.database, id);
    expect(books).toMatchObject({ number: 2 + keys.length, differences: [] });
    expect(books.chain.fault).toBeUndefined();
    const held = (await readPortfolio(trading.database, id))?.portfolio.balances.get('USDT')?.held ?? zero;
    expect(decimalText(held)).toBe(String(keys.length * 100));
  });

  it('to open one portfolio: it is opened once, and the other is told so', async () => {
    const writers = [writer, trading.newWriter(), trading.newWriter()];
    for (let turn = 0; turn < 10; turn++) {
      const portfolioId = randomUUID();
      const opening = {
        ...{ portfolioId, atUs: nowUs(), kind: 'open_portfolio' as const, userId: randomUUID() },
        ...{ name: 'Raced', limits: defaultLimits },
      };
      const codes = await Promise.all(writers.map((one) => codeOf(one.submit(opening))));
      expect(codes.toSorted()).toEqual(['ALREADY_EXISTS', 'ALREADY_EXISTS', undefined]);
      const key = { key: randomUUID(), bodyHash: 'a' };
      const another = { ...opening, portfolioId: randomUUID() };
      const answers = await Promise.all(writers.map((one) => one.submit(another, key)));
      expect(answers.filter(({ isReplay }) => !isReplay)).toHaveLength(1);
      for (const { events } of answers) expect(events).toEqual(answers[0]?.events);
    }
  });

  it('against withdrawals: never more leaves than there was', async () => {
    const id = await openPortfolio(writer, { USDT: '1000' });
    const other = trading.newWriter();
    const withdrawal = () => ({
      ...{ portfolioId: id, atUs: nowUs(), kind: 'withdraw' as const, id: randomUUID(), asset: 'USDT' },
      amount: parseDecimal('100'),
    });
    const withdrawn = await Promise.all(
      Array.from({ length: 20 }, async (_, index) => {
        await writer.submit(placement(id));
        return await codeOf((index % 2 === 0 ? writer : other).submit(withdrawal()));
      }),
    );
    const left = (await readPortfolio(trading.database, id))?.portfolio.balances.get('USDT');
    const gone = withdrawn.filter((code) => code === undefined).length;
    expect(left?.available).toBe(zero);
    expect(decimalText(left?.held ?? zero)).toBe(String(1_000 - gone * 100));
    expect((await reconcile(trading.database, id)).differences).toEqual([]);
  });
});
