import { createPrivateKey, createPublicKey, type KeyObject } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';

/** Keys that tokens are signed with and checked by, at one moment. */
export interface SigningKeys {
  /** Of the key that signs: its RFC 7638 thumbprint. */
  kid: string;
  privateKey: KeyObject;
  /** All that are believed, by their id. */
  publicKeys: ReadonlyMap<string, KeyObject>;
  /** The public halves, as the world may have them. */
  jwks: { keys: PublicJwk[] };
}

/** RFC 7517, of an RSA key. */
export interface PublicJwk {
  kty: 'RSA';
  n: string;
  e: string;
  kid: string;
  alg: 'RS256';
  use: 'sig';
}

/** One key of a file, the newest of which stands first. */
export interface StoredKey {
  kid: string;
  pem: string;
  privateKey: KeyObject;
  publicKey: KeyObject;
  jwk: PublicJwk;
  /** Until then the key after it signs; -Infinity where the file does not say. */
  signsFromMs: number;
  /** When nothing that it signed counts any longer; Infinity for the one that signs last. */
  believedUntilMs: number;
}

export interface KeyPlace {
  dataDir: string;
  keyFile?: string | undefined;
}

/** How long a token may count. */
export const tokenMsMax = 24 * 3_600_000;
export const modulusBits = 2_048;
/** Clocks of several machines differ. */
const clockSlackMs = 60_000;
const privatePem =
  /(?:# signs from (\S+)\s+)?(-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA )?PRIVATE KEY-----)/g;

/** The file that is named, else `keys/session.pem` of the data dir. */
export function keyFileOf({ dataDir, keyFile }: KeyPlace): string {
  return keyFile ?? join(dataDir, 'keys', 'session.pem');
}

/**
 * The RSA keys in a PEM file, the newest first. The line `# signs from TIME` above a key says from when on it signs; what the
 * one after it has signed is believed for as long as that may last, for good where there is no such line.
 * @throws CONFIG_INVALID where the file holds no such key, or cannot be read
 */
export async function readKeyFile(path: string): Promise<StoredKey[]> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrongFile(path, messageOf(error));
  });
  const keys: StoredKey[] = [];
  let believedUntilMs = Infinity;
  for (const [, from, pem = ''] of text.matchAll(privatePem)) {
    const privateKey = readKey(pem, path);
    const signsFromMs = from === undefined ? -Infinity : Date.parse(from);
    if (Number.isNaN(signsFromMs)) throw wrongFile(path, `"# signs from ${from}" names no time`);
    keys.push({ pem, privateKey, ...(await publicHalf(privateKey)), signsFromMs, believedUntilMs });
    believedUntilMs = from === undefined ? Infinity : signsFromMs + tokenMsMax + clockSlackMs;
  }
  if (keys.length === 0) throw wrongFile(path, 'it holds no private key');
  return keys;
}

/** What signs, and what is believed, at a moment. */
export function keysAt(keys: readonly StoredKey[], atMs: number): SigningKeys {
  const signing = keys.find(({ signsFromMs }) => signsFromMs <= atMs) ?? keys.at(-1);
  if (signing === undefined) throw new TicklakeError('INTERNAL', 'a key file was read without keys');
  const believed = keys.filter(({ believedUntilMs }) => believedUntilMs > atMs);
  return {
    kid: signing.kid,
    privateKey: signing.privateKey,
    publicKeys: new Map(believed.map(({ kid, publicKey }) => [kid, publicKey])),
    jwks: { keys: believed.map(({ jwk }) => jwk) },
  };
}

async function publicHalf(privateKey: KeyObject): Promise<Pick<StoredKey, 'kid' | 'publicKey' | 'jwk'>> {
  const publicKey = createPublicKey(privateKey);
  const { n = '', e = '' } = await exportJWK(publicKey);
  const kid = await calculateJwkThumbprint({ kty: 'RSA', n, e });
  return { kid, publicKey, jwk: { kty: 'RSA', n, e, kid, alg: 'RS256', use: 'sig' } };
}

function readKey(pem: string, path: string): KeyObject {
  try {
    const key = createPrivateKey(pem);
    const bits = key.asymmetricKeyDetails?.modulusLength ?? 0;
    if (key.asymmetricKeyType === 'rsa' && bits >= modulusBits) return key;
  } catch (error) {
    throw wrongFile(path, messageOf(error));
  }
  throw wrongFile(path, `a key in it is not RSA of ${modulusBits} bits or more`);
}

function wrongFile(path: string, why: string): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `no signing key in ${path}: ${why}`, {
    remedy: 'Name a PEM file with an RSA key in sessionKeyFile: `openssl genrsa 2048` makes one.',
  });
}
