import { hash, verify } from '@node-rs/bcrypt';
import { bulkhead, isBulkheadRejectedError } from 'cockatiel';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { assertHardToGuess } from './guessable.ts';

/** bcrypt: doubling it doubles the time of a guess. */
export const passwordCost = 12;
export const passwordLengthMin = 8;
/** bcrypt takes no more than that into account. */
export const passwordBytesMax = 72;

const atOnce = 2;
const waitingMax = 64;

/** A hash nobody has the password of, so that an unknown user takes as long as a wrong password. */
const nobodysHash = '$2b$12$Hhcx4JY/ibjwFfEuM5Vbeuzc7Xl4TwtbIpLMjNLMaVYxm58l.gUW6';

export interface Passwords {
  /**
   * @param about what names the user, which a password may not consist of
   * @throws BAD_REQUEST for a password that is too short, too long or easily guessed; OVERLOADED.
   */
  hash(password: string, about: readonly string[]): Promise<string>;
  /** Whether it is the password; takes as long where there is no hash, and says no. @throws OVERLOADED. */
  verify(password: string, passwordHash: string | undefined): Promise<boolean>;
}

/**
 * Hashes on threads beside the event loop, {@link atOnce} at a time: each takes a core for a quarter of a second, and
 * the pool they run on also serves files and names.
 */
export function createPasswords(metrics: Metrics): Passwords {
  const turns = bulkhead(atOnce, waitingMax);
  const seconds = metrics.histogram(
    'ticklake_identity_password_seconds',
    'One password hashed or compared, waiting included',
  );
  const free = metrics.gauge('ticklake_identity_password_slots_free', 'Passwords that may still wait');
  free.set(waitingMax);

  return {
    async hash(password, about) {
      checkPassword(password);
      await assertHardToGuess(password, about, passwordLengthMin);
      return await inTurn(() => hash(password, passwordCost));
    },
    async verify(password, passwordHash) {
      const isRight = await inTurn(() => verify(password, passwordHash ?? nobodysHash));
      return isRight && passwordHash !== undefined && byteLength(password) <= passwordBytesMax;
    },
  };

  async function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const stop = seconds.startTimer();
    try {
      return await turns.execute(work);
    } catch (error) {
      if (!isBulkheadRejectedError(error)) throw error;
      throw new TicklakeError('OVERLOADED', 'too many passwords wait to be compared', {
        remedy: 'Try again in a few seconds.',
      });
    } finally {
      stop();
      free.set(turns.queueSlots);
    }
  }
}

function checkPassword(password: string): void {
  if ([...password].length < passwordLengthMin) {
    throw new TicklakeError('BAD_REQUEST', `the password has less than ${passwordLengthMin} characters`, {
      remedy: 'Choose a longer one.',
    });
  }
  if (byteLength(password) > passwordBytesMax || password.includes('\0')) {
    throw new TicklakeError(
      'BAD_REQUEST',
      `the password has more than ${passwordBytesMax} bytes, or a NUL character`,
      { remedy: 'Choose a shorter one: more would not make it safer.' },
    );
  }
}

function byteLength(text: string): number {
  return Buffer.byteLength(text);
}
