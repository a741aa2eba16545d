import { createHash } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseDecimal } from '#core/market/decimal.ts';
import { canonicalText, chainHash, eventText, genesis, parseEvent } from '#core/trading/codec.ts';

describe('the text of an event', () => {
  const id = '6f9619ff-8b86-4d01-b42d-00cf4fc964ff';
  const event = {
    ...{ type: 'deposited' as const, number: 2, atUs: 1_700_000_000_000_000 },
    ...{ id: 'd1', asset: 'USDT', amount: parseDecimal('1000.50') },
  };
  const text = `{"amount":"1000.5","asset":"USDT","atUs":1700000000000000,"id":"d1","number":2,"portfolioId":"${id}","type":"deposited"}`;

  it('is one, whatever order its members were given in, and is read as it was written', () => {
    expect(eventText(id, event)).toBe(text);
    const turned = Object.fromEntries(Object.entries(event).toReversed()) as typeof event;
    expect(eventText(id, turned)).toBe(text);
    expect(parseEvent(text)).toEqual({ portfolioId: id, event });
  });

  it('leaves out what is undefined, and writes maps, nothing and odd names as JSON does', () => {
    const value = { b: undefined, a: [null, true, 1.5], m: new Map([['é"', parseDecimal('2')]]), e: {} };
    expect(canonicalText(value)).toBe('{"a":[null,true,1.5],"e":{},"m":{"é\\"":"2"}}');
  });

  it('is hashed with the hash before it, byte for byte', () => {
    const bytes = Buffer.concat([Buffer.alloc(32), Buffer.from('é')]);
    expect(chainHash(genesis, 'é')).toEqual(createHash('sha256').update(bytes).digest());
  });

  it('that cannot be read is corrupt', () => {
    expect(() => parseEvent('{"amount":"1e3"}')).toThrow(/cannot be read/);
    expect(() => parseEvent('{')).toThrow(/cannot be read/);
  });
});
