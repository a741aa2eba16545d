import { expect, it } from 'vitest';
import { ByteGate } from '#core/streams/byte-gate.ts';

it('lets in what fits, and the others in their order as bytes leave', async () => {
  const seen: number[] = [];
  const order: string[] = [];
  const gate = new ByteGate(100, (bytes) => seen.push(bytes));
  await gate.enter(60);
  const large = gate.enter(80).then(() => order.push('large'));
  const small = gate.enter(10).then(() => order.push('small'));
  await Promise.resolve();
  expect(order).toEqual([]);
  gate.leave(60);
  await Promise.all([large, small]);
  expect(order).toEqual(['large', 'small']);
  expect(Math.max(...seen)).toBe(90);
  gate.leave(80);
  gate.leave(10);
  expect(seen.at(-1)).toBe(0);
});

it('lets in alone what is larger than the bound', async () => {
  const seen: number[] = [];
  const gate = new ByteGate(100, (bytes) => seen.push(bytes));
  await gate.enter(500);
  const next = gate.enter(1);
  gate.leave(500);
  await next;
  expect(seen).toEqual([500, 0, 1]);
});
