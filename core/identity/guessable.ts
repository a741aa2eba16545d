import { TicklakeError } from '#core/platform/errors.ts';

/** Words of this service, with which guesses begin; docs/security.md lists them. */
export const serviceWords = [
  ...['ticklake', 'trader', 'trading', 'analyst', 'operator', 'admin', 'portfolio', 'exchange'],
  ...['crypto', 'bitcoin', 'ethereum'],
] as const;

/** Shorter parts of a name or an address stand in too many words. */
const ownWordMin = 4;

let known: Promise<ReadonlySet<string>> | undefined;

/**
 * Refuses passwords that are tried first: those that breaches have shown to be frequent, in capitals too, and those that
 * are short without the words of the service and of the user.
 * @param about what names the user: the address, the name that is shown
 * @throws BAD_REQUEST
 */
export async function assertHardToGuess(
  password: string,
  about: readonly string[],
  lengthMin: number,
): Promise<void> {
  const plain = password.toLowerCase();
  known ??= commonPasswords(lengthMin);
  if ((await known).has(plain)) {
    throw new TicklakeError('BAD_REQUEST', 'the password is one of those that are tried first', {
      remedy: 'Choose one that nobody else has: several words that do not belong together.',
    });
  }
  const words = [...serviceWords, ...about.flatMap(wordsOf)].toSorted((a, b) => b.length - a.length);
  const rest = words.reduce((text, word) => text.replaceAll(word, ''), plain);
  if ([...rest].length < lengthMin && rest !== plain) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `the password is shorter than ${lengthMin} characters without what anybody knows of you or of this service`,
      { remedy: 'Choose one without your name, your address and the words of this service.' },
    );
  }
}

function wordsOf(name: string): string[] {
  const plain = name.toLowerCase();
  return [plain, ...plain.split(/[^\p{L}\p{N}]+/u)].filter((word) => [...word].length >= ownWordMin);
}

/** Passwords of so many characters and more that breaches of many sites have shown to be frequent, in small letters. */
export async function commonPasswords(lengthMin: number): Promise<ReadonlySet<string>> {
  const { dictionary } = await import('@zxcvbn-ts/language-common');
  const plain = dictionary.passwords.map((password) => String(password).toLowerCase());
  return new Set(plain.filter((password) => [...password].length >= lengthMin));
}
