import { expect, it } from 'vitest';
import { Assigner } from '#core/streams/assigner.ts';

const assigned = [{ topic: 't', partition: 0, incarnation: 'i' }];

it('revokes an ownership that ended before the sink answered, before it tells of the next one', async () => {
  const events: string[] = [];
  const answers: ((offsets: number[]) => void)[] = [];
  const assigner = new Assigner({
    onAssigned: async () => {
      events.push('assigned');
      return await new Promise((resolve) => answers.push(resolve));
    },
    onRevoked: () => events.push('revoked'),
  });
  let isFirstCurrent = true;
  const first = assigner.assign(assigned, () => isFirstCurrent);
  const second = assigner.assign(assigned, () => true);
  await Promise.resolve();
  isFirstCurrent = false;
  answers[0]?.([1]);
  expect(await first).toBeUndefined();
  await Promise.resolve();
  expect(events).toEqual(['assigned', 'revoked', 'assigned']);
  answers[1]?.([2]);
  expect(await second).toEqual([2]);
});

it('passes the error of the sink on, and asks again at the next assignment', async () => {
  let calls = 0;
  const assigner = new Assigner({
    onAssigned: () => {
      calls += 1;
      return calls === 1 ? Promise.reject(new Error('no answer')) : Promise.resolve([7]);
    },
    onRevoked: () => undefined,
  });
  await expect(assigner.assign(assigned, () => true)).rejects.toThrow('no answer');
  expect(await assigner.assign(assigned, () => false)).toBeUndefined();
  expect(await assigner.assign(assigned, () => true)).toEqual([7]);
});
