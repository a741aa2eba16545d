import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { ensureSecretFile } from '#core/platform/secret-file.ts';

/** Seals secrets that are needed in the clear again; what is sealed is of no use without the key file. */
export interface SecretBox {
  /** `about` names what the secret is of: it opens for that alone. */
  seal(secret: Buffer, about: string): Buffer;
  /** @throws CONFIG_INVALID where the key it was sealed with is gone; DATA_CORRUPT for what is not as it was sealed */
  open(sealed: Buffer, about: string): Buffer;
}

const algorithm = 'aes-256-gcm';
const keyBytes = 32;
const keyIdBytes = 8;
const nonceBytes = 12;
const tagBytes = 16;

/**
 * Opens the box with the keys of a file, which is made where it is missing: base64 of 32 bytes, a line each; the first
 * seals, all open. Without a named file it is `keys/webhooks.key` of the data dir.
 * @throws CONFIG_INVALID for a file that holds no key
 */
export async function openSecretBox(place: {
  dataDir: string;
  keyFile?: string | undefined;
}): Promise<SecretBox> {
  const path = place.keyFile ?? join(place.dataDir, 'keys', 'webhooks.key');
  const text = await ensureSecretFile(path, newKey).catch((error: unknown) => {
    throw noKeys(path, messageOf(error));
  });
  const keys = parseKeys(path, text);
  const [first] = keys.values();
  const [firstId] = keys.keys();
  if (first === undefined || firstId === undefined) throw noKeys(path, 'it holds no key');
  return {
    seal(secret, about) {
      const nonce = randomBytes(nonceBytes);
      const cipher = createCipheriv(algorithm, first, nonce).setAAD(Buffer.from(about));
      const text = Buffer.concat([cipher.update(secret), cipher.final()]);
      return Buffer.concat([Buffer.from(firstId, 'hex'), nonce, cipher.getAuthTag(), text]);
    },
    open(sealed, about) {
      const keyId = sealed.subarray(0, keyIdBytes).toString('hex');
      const key = keys.get(keyId);
      if (key === undefined) throw noKeys(path, `the key ${keyId} is not in it`);
      const nonce = sealed.subarray(keyIdBytes, keyIdBytes + nonceBytes);
      const tag = sealed.subarray(keyIdBytes + nonceBytes, keyIdBytes + nonceBytes + tagBytes);
      try {
        const decipher = createDecipheriv(algorithm, key, nonce, { authTagLength: tagBytes })
          .setAAD(Buffer.from(about))
          .setAuthTag(tag);
        const text = sealed.subarray(keyIdBytes + nonceBytes + tagBytes);
        return Buffer.concat([decipher.update(text), decipher.final()]);
      } catch (error) {
        throw new TicklakeError('DATA_CORRUPT', `the secret of ${about} is not as it was sealed`, {
          cause: error,
          remedy: 'Make a new one: delete the webhook, and make it again.',
        });
      }
    },
  };
}

function newKey(): Promise<string> {
  return Promise.resolve(`${randomBytes(keyBytes).toString('base64')}\n`);
}

/** By the first bytes of their SHA-256, the first of the file first. */
function parseKeys(path: string, text: string): Map<string, Buffer> {
  const lines = text.split('\n').filter((line) => line.trim() !== '' && !line.startsWith('#'));
  return new Map(
    lines.map((line) => {
      const key = Buffer.from(line.trim(), 'base64');
      if (key.length !== keyBytes) throw noKeys(path, `a line is not base64 of ${keyBytes} bytes`);
      const id = createHash('sha256').update(key).digest().subarray(0, keyIdBytes).toString('hex');
      return [id, key];
    }),
  );
}

function noKeys(path: string, why: string): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `${path} cannot be used to seal secrets: ${why}`, {
    remedy:
      'Write a line of base64 of 32 random bytes (`openssl rand -base64 32`), the same file for api and events; keep older lines below it.',
  });
}
