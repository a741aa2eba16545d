import { expect, it } from 'vitest';
import { createPasswords } from '#core/identity/passwords.ts';
import { Metrics } from '#core/platform/metrics.ts';

const passwords = createPasswords(new Metrics());

it('are kept as bcrypt of cost 12, each with a salt of its own', async () => {
  const [one, other] = await Promise.all([
    passwords.hash('long enough', []),
    passwords.hash('long enough', []),
  ]);
  expect(one).toMatch(/^\$2[by]\$12\$.{53}$/);
  expect(one).not.toBe(other);
  expect(await passwords.verify('long enough', one)).toBe(true);
  expect(await passwords.verify('long enougH', one)).toBe(false);
});

it('count in full: what bcrypt would cut off is refused', async () => {
  const longest = 'é'.repeat(36);
  const hash = await passwords.hash(longest, []);
  expect(await passwords.verify(longest, hash)).toBe(true);
  expect(await passwords.verify(`${longest}x`, hash)).toBe(false);
  for (const wrong of [`${longest}x`, 'short77', '🙂'.repeat(7), 'with\0 a NUL']) {
    await expect(passwords.hash(wrong, [])).rejects.toMatchObject({ code: 'BAD_REQUEST' });
  }
});

it('of nobody are compared all the same, and are never right', async () => {
  expect(await passwords.verify('', undefined)).toBe(false);
  expect(await passwords.verify('anything', undefined)).toBe(false);
});

it('wait for each other up to a bound', async () => {
  const busy = createPasswords(new Metrics());
  const asked = Array.from({ length: 67 }, () =>
    busy.verify('x', 'no hash at all').catch((error: unknown) => error),
  );
  const answers = await Promise.all(asked);
  expect(answers.filter((answer) => answer === false)).toHaveLength(66);
  expect(answers.at(-1)).toMatchObject({ code: 'OVERLOADED', retryable: true });
});
