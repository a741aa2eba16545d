import { createHmac, randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { TicklakeError } from '#core/platform/errors.ts';
import { ensureSecretFile } from '#core/platform/secret-file.ts';

/** What an id is called where nobody may be known by it; of different kinds, the same id is called differently. */
export type Pseudonym = (kind: 'account' | 'owner' | 'order', id: string) => string;

const keyBytes = 32;
/** 128 bits: two ids are not called alike by chance. */
const digits = 32;

/**
 * Pseudonyms by HMAC-SHA-256: without the key nobody finds the id, nor tries out ids. The key is 32 bytes in hexadecimal, in
 * the file that is named, or in `keys/pseudonyms.key` of the data dir, which is made where it is missing; with another key
 * everybody is called anew.
 * @throws CONFIG_INVALID for a file that holds none
 */
export async function openPseudonyms(place: {
  dataDir: string;
  keyFile?: string | undefined;
}): Promise<Pseudonym> {
  const { dataDir, keyFile } = place;
  const path = keyFile ?? join(dataDir, 'keys', 'pseudonyms.key');
  const text =
    keyFile === undefined
      ? await ensureSecretFile(path, () => Promise.resolve(randomBytes(keyBytes).toString('hex')))
      : await readFile(path, 'utf8').catch((cause: unknown) => {
          throw noKey(path, 'it cannot be read', cause);
        });
  if (!/^[0-9a-f]{64}$/.test(text.trim())) throw noKey(path, 'it holds no 64 hexadecimal digits');
  return pseudonyms(Buffer.from(text.trim(), 'hex'));
}

export function pseudonyms(key: Buffer): Pseudonym {
  return (kind, id) => createHmac('sha256', key).update(`${kind}:${id}`).digest('hex').slice(0, digits);
}

function noKey(path: string, why: string, cause?: unknown): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `${path} is no key of pseudonyms: ${why}`, {
    ...(cause === undefined ? {} : { cause }),
    remedy: 'Name the file that the key has always been in; `openssl rand -hex 32` makes a new one.',
  });
}
