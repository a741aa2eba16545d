import { expect, it } from 'vitest';
import { assertHardToGuess, commonPasswords, serviceWords } from '#core/identity/guessable.ts';
import { passwordLengthMin } from '#core/identity/passwords.ts';

const ada = ['Ada.Lovelace@example.com', 'Countess Lovelace'];

async function isRefused(password: string, about: readonly string[] = ada): Promise<boolean> {
  try {
    await assertHardToGuess(password, about, passwordLengthMin);
    return false;
  } catch (error) {
    expect(error).toMatchObject({ code: 'BAD_REQUEST', remedy: expect.stringContaining('Choose') });
    return true;
  }
}

it('has more than 3,000 passwords that are frequent, and refuses them, in capitals too', async () => {
  const common = [...(await commonPasswords(passwordLengthMin))];
  expect(common.length).toBeGreaterThan(3_000);
  const unreached = common.filter(
    (password) => [...password].length < passwordLengthMin || password !== password.toLowerCase(),
  );
  expect(unreached).toEqual([]);
  for (const password of common.slice(0, 20)) expect(await isRefused(password, []), password).toBe(true);
  for (const password of ['Password1', 'TRUSTNO1', 'qwertyuiop'])
    expect(await isRefused(password)).toBe(true);
});

it.each([
  'ticklake2026',
  'Ticklake!Trader',
  'bitcoin-12345',
  'lovelace1815',
  'ada.lovelace@example.com',
  'CountessLovelace1',
  'example.com-a',
])('refuses %s, which is short without what anybody knows', async (password) => {
  expect(await isRefused(password)).toBe(true);
});

it.each([
  'correct horse battery staple',
  'lovelace wrote the first program',
  'a ticklake is where trades go to rest',
  'ÄÖÜ äöü ßßß',
  'aaaaaaaa bbbb',
  '🙂'.repeat(8),
  'xk7#qv9!',
])('takes %s, of whatever characters it is', async (password) => {
  expect(await isRefused(password)).toBe(false);
});

it('takes a name of three letters for no name, and an empty one for none', async () => {
  expect(await isRefused('ada12345x', ['ada@x.yz', ''])).toBe(false);
  expect(serviceWords.every((word) => word === word.toLowerCase() && word.length >= 4)).toBe(true);
});
