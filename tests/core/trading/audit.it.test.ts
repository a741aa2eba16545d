import { createPublicKey } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { parseDecimal } from '#core/market/decimal.ts';
import { verifyChain } from '#core/trading/audit.ts';
import {
  canonicalText,
  chainHash,
  eventText,
  genesis,
  parseEvent,
  type StoredEvent,
} from '#core/trading/codec.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { figuresOf, reconcile } from '#core/trading/reconcile.ts';
import { replay, storedEvents } from '#core/trading/replay.ts';
import { openAuditKey, openHeadSigner, readSignedHeads } from '#core/trading/signed-heads.ts';
import type { TradingWriter } from '#core/trading/writer.ts';
import { codeOf, fill, nowUs, openPortfolio, openTestTrading, placed, placement } from './support.ts';
import type { TestTrading } from './support.ts';

describe('what can be proved of a portfolio', { timeout: 120_000 }, () => {
  let trading: TestTrading;
  let writer: TradingWriter;
  let id = '';
  let events: StoredEvent[] = [];

  beforeAll(async () => {
    trading = await openTestTrading();
    writer = trading.newWriter();
  }, 120_000);
  afterAll(async () => await trading.close());

  beforeEach(async () => {
    id = await openPortfolio(writer);
    const order = placed(await writer.submit(placement(id, { quantity: parseDecimal('3') })));
    await writer.submitTogether([fill(id, order.id, 5)]);
    await writer.submit({ portfolioId: id, atUs: nowUs(), kind: 'cancel_all', reason: 'requested' });
    events = [];
    for await (const event of storedEvents(trading.database, id)) events.push(event);
  });

  const hashed = (texts: readonly string[]): StoredEvent[] => {
    let hash: Buffer = genesis;
    return texts.map((text, index) => {
      hash = chainHash(hash, text);
      return { portfolioId: id, number: index + 1, text, hash };
    });
  };

  it('its state after any event follows from the events alone', async () => {
    const stored = await readPortfolio(trading.database, id);
    const replayed = await replay(trading.database, id);
    expect(figuresOf(replayed)).toEqual(stored && figuresOf(stored.portfolio));
    expect(replayed.number).toBe(6);
    const after3 = await replay(trading.database, id, { number: 3 });
    expect(after3.balances.get('USDT')).toEqual({
      available: parseDecimal('700'),
      held: parseDecimal('300'),
    });
    expect(after3.orders.size).toBe(1);
    expect(await codeOf(replay(trading.database, id, { number: 7 }))).toBe('NOT_FOUND');
    expect(await codeOf(replay(trading.database, id, { atUs: 1 }))).toBe('NOT_FOUND');
  });

  it('its events are stored as the one text that each has', () => {
    for (const { text, portfolioId } of events) {
      const { event, portfolioId: named } = parseEvent(text);
      expect(named).toBe(portfolioId);
      expect(eventText(portfolioId, event)).toBe(text);
      expect(canonicalText(JSON.parse(text))).toBe(text);
    }
  });

  it('a whole chain is whole', async () => {
    const { hash } = events.at(-1) ?? { hash: genesis };
    const head = { number: 6, hash, source: 'the head' };
    expect(await verifyChain(id, events, [head])).toEqual({ portfolioId: id, events: 6, hash });
  });

  it('a cut, a gap, an edit and a swap are found, at the event where they are', async () => {
    const head = { number: 6, hash: events.at(-1)?.hash ?? genesis, source: 'the head' };
    const [first, second, ...rest] = events;
    const edited = events.map((event) =>
      event.number === 2 ? { ...event, text: event.text.replace('"1000"', '"9000"') } : event,
    );
    const faults = [
      await verifyChain(id, events.slice(0, 4), [head]),
      await verifyChain(id, events.toSpliced(2, 1)),
      await verifyChain(id, edited),
      await verifyChain(
        id,
        [second, first, ...rest].flatMap((event) => event ?? []),
      ),
    ].map(({ fault }) => fault?.number);
    expect(faults).toEqual([5, 3, 2, 1]);
  });

  it('a chain that was written anew, hashes and all, is found by a head that was kept', async () => {
    const kept = { number: 4, hash: events[3]?.hash ?? genesis, source: 'a head that was signed' };
    const texts = events.map(({ text }) => text.replace('"1000"', '"9000"'));
    const rewritten = hashed(texts);
    expect((await verifyChain(id, rewritten)).fault).toBeUndefined();
    expect((await verifyChain(id, rewritten, [kept])).fault).toMatchObject({ number: 4 });
    const moreSpent = hashed(events.map(({ text }) => text.replace('"1000"', '"10"')));
    expect((await verifyChain(id, moreSpent)).fault).toMatchObject({ number: 3 });
  });

  it('heads are signed as they move, and tell a chain that was written anew since; none passes that was not signed', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ticklake-heads-'));
    try {
      const keyFile = join(folder, 'keys', 'audit.pem');
      const key = await openAuditKey(keyFile);
      expect((await stat(keyFile)).mode & 0o777).toBe(0o600);
      const signer = await openHeadSigner(join(folder, 'heads'), key);
      const atUs = nowUs();
      expect(await signer.sign(trading.database, atUs)).toBeGreaterThan(0);
      expect(await signer.sign(trading.database, atUs + 1)).toBe(0);
      await writer.submit(placement(id));
      const again = await openHeadSigner(join(folder, 'heads'), await openAuditKey(keyFile));
      expect(await again.sign(trading.database, atUs + 2)).toBe(1);

      const known = (await readSignedHeads(join(folder, 'heads'), createPublicKey(key))).get(id);
      expect(known?.map(({ number }) => number)).toEqual([6, 7]);
      const whole = storedEvents(trading.database, id);
      expect((await verifyChain(id, whole, known)).fault).toBeUndefined();
      const rewritten = hashed(events.map(({ text }) => text.replace('"1000"', '"9000"')));
      expect((await verifyChain(id, rewritten, known)).fault?.number).toBe(6);
      expect((await verifyChain(id, events, known)).fault?.number).toBe(7);

      const [name = ''] = await readdir(join(folder, 'heads'));
      const path = join(folder, 'heads', name);
      await writeFile(path, (await readFile(path, 'utf8')).replace(/[0-9a-f]{8}/, '00000000'));
      const reading = readSignedHeads(join(folder, 'heads'), createPublicKey(key));
      expect(await codeOf(reading)).toBe('DATA_CORRUPT');
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });

  it('reconciliation names a balance, an order and an event that somebody changed', async () => {
    const { database } = trading;
    expect(await reconcile(database, id)).toMatchObject({ number: 6, differences: [] });
    await database.query(
      `update trading.balances set available = available + 1 where portfolio_id = $1 and asset = 'USDT'`,
      [id],
    );
    const { differences } = await reconcile(database, id);
    expect(differences).toEqual([
      { against: 'ledger', figure: 'balances.USDT.available', stored: '901', expected: '900' },
      { against: 'events', figure: 'balances.USDT.available', stored: '901', expected: '900' },
    ]);

    await database.query('alter table trading.events disable trigger append_only');
    await database.query(
      `update trading.events set body = replace(body, '"1000"', '"1001"') where portfolio_id = $1`,
      [id],
    );
    await database.query('alter table trading.events enable trigger append_only');
    expect((await reconcile(database, id)).chain.fault).toMatchObject({ number: 2 });
    expect(await codeOf(reconcile(database, '00000000-0000-4000-8000-000000000000'))).toBe('NOT_FOUND');
  });
});
