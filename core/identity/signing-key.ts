import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject } from 'node:crypto';
import { link, mkdir, open, readFile, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { calculateJwkThumbprint, exportJWK } from 'jose';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';

/** Keys that tokens are signed with and checked by. */
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

const modulusBits = 2_048;
const privatePem = /-----BEGIN (?:RSA )?PRIVATE KEY-----[\s\S]+?-----END (?:RSA )?PRIVATE KEY-----/g;

/**
 * The RSA keys in a PEM file; without a file named, `keys/session.pem` of the data dir, made at first use. The first
 * key signs, those after it are only believed: a key is changed by putting a new one on top, and the old one is taken
 * away a day later, when nothing signed by it counts any longer.
 * @throws CONFIG_INVALID where the file holds no such key, or cannot be read
 */
export async function openSigningKeys(options: {
  dataDir: string;
  keyFile?: string | undefined;
}): Promise<SigningKeys> {
  const path = options.keyFile ?? join(options.dataDir, 'keys', 'session.pem');
  if (options.keyFile === undefined) await makeKeyFile(path);
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw wrongFile(path, messageOf(error));
  });
  return await keysOf(text, path);
}

async function keysOf(text: string, path: string): Promise<SigningKeys> {
  const privateKeys = (text.match(privatePem) ?? []).map((pem) => readKey(pem, path));
  const entries = await Promise.all(privateKeys.map(publicEntry));
  const [privateKey, first] = [privateKeys[0], entries[0]];
  if (privateKey === undefined || first === undefined) throw wrongFile(path, 'it holds no private key');
  return {
    kid: first.kid,
    privateKey,
    publicKeys: new Map(entries.map(({ kid, publicKey }) => [kid, publicKey])),
    jwks: { keys: entries.map(({ jwk }) => jwk) },
  };
}

async function publicEntry(
  privateKey: KeyObject,
): Promise<{ kid: string; publicKey: KeyObject; jwk: PublicJwk }> {
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

/** Makes the file whole or not at all; where two processes begin at a time, the first one's stands. */
async function makeKeyFile(path: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const isThere = await readFile(path).then(
    () => true,
    () => false,
  );
  if (isThere) return;
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: modulusBits });
  const draft = `${path}.${process.pid}.${process.hrtime.bigint()}`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(privateKey.export({ type: 'pkcs8', format: 'pem' }));
    await file.sync();
  } finally {
    await file.close();
  }
  await link(draft, path).catch((error: NodeJS.ErrnoException) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(draft);
}

function wrongFile(path: string, why: string): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `no signing key in ${path}: ${why}`, {
    remedy: 'Name a PEM file with an RSA key in sessionKeyFile: `openssl genrsa 2048` makes one.',
  });
}
