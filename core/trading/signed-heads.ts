import {
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  sign,
  verify,
  type KeyObject,
} from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isMissingFile, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { ensureSecretFile } from '#core/platform/secret-file.ts';
import type { KnownLink } from './audit.ts';
import { canonicalText } from './codec.ts';

/** Heads of chains as they stood at a time: the number of each portfolio's newest event, and its hash in hex. */
interface SignedHeads {
  atUs: number;
  heads: Record<string, readonly [number: number, hash: string]>;
}

/** Signs heads, and keeps them in files that whoever can write Postgres cannot: there they prove what stood in it. */
export interface HeadSigner {
  /** Signs the heads that have moved since the last time, into a file of their own. Answers how many. */
  sign(db: Pick<Transaction, 'query'>, atUs: number): Promise<number>;
}

const ending = '.heads.json';

/** The public half of the key in a PEM file, for who verifies. @throws NOT_FOUND, or DATA_CORRUPT for what is no key */
export async function readAuditKey(path: string): Promise<KeyObject> {
  try {
    return createPublicKey(await readFile(path, 'utf8'));
  } catch (error) {
    throw new TicklakeError(
      isMissingFile(error) ? 'NOT_FOUND' : 'DATA_CORRUPT',
      `no key can be read from ${path}`,
      {
        cause: error,
        remedy:
          'Put the key back that the heads beside it were signed with: a new one proves nothing of them.',
      },
    );
  }
}

/** The Ed25519 key in a PEM file, which is made where it is missing, for its owner alone. */
export async function openAuditKey(path: string): Promise<KeyObject> {
  const make = (): Promise<string> => {
    const { privateKey } = generateKeyPairSync('ed25519');
    return Promise.resolve(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString());
  };
  return createPrivateKey(await ensureSecretFile(path, make));
}

/** @param folder where the signed heads are kept; made where it is missing */
export async function openHeadSigner(folder: string, key: KeyObject): Promise<HeadSigner> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const newest = new Map<string, number>();
  for (const [id, links] of await readSignedHeads(folder, createPublicKey(key)))
    newest.set(id, Math.max(...links.map(({ number }) => number)));
  return {
    async sign(db, atUs) {
      const { rows } = await db.query<{ id: string; number: number; hash: string }>(
        `select portfolio_id as id, number, encode(hash, 'hex') as hash from trading.heads`,
      );
      const moved = rows.filter(({ id, number }) => number > (newest.get(id) ?? 0));
      if (moved.length === 0) return 0;
      const heads = Object.fromEntries(moved.map(({ id, number, hash }) => [id, [number, hash] as const]));
      const text = canonicalText({ atUs, heads } satisfies SignedHeads);
      const signature = sign(null, Buffer.from(text), key).toString('base64');
      await keep(join(folder, `${atUs}${ending}`), JSON.stringify({ text, signature }));
      for (const { id, number } of moved) newest.set(id, number);
      return moved.length;
    },
  };
}

/**
 * All heads that were signed, by portfolio, for {@link verifyChain}.
 * @param untilUs those up to this time, as of which there is a copy of the events
 * @throws DATA_CORRUPT where a file was not signed by this key
 */
export async function readSignedHeads(
  folder: string,
  publicKey: KeyObject,
  untilUs = Number.POSITIVE_INFINITY,
): Promise<Map<string, KnownLink[]>> {
  const links = new Map<string, KnownLink[]>();
  const names = (await readdir(folder)).filter((name) => name.endsWith(ending));
  for (const name of names.sort()) {
    const { atUs, heads } = await readHeads(join(folder, name), publicKey);
    if (atUs > untilUs) continue;
    const source = `the head signed at ${new Date(atUs / 1_000).toISOString()}`;
    for (const [id, [number, hash]] of Object.entries(heads)) {
      const known = links.get(id) ?? [];
      known.push({ number, hash: Buffer.from(hash, 'hex'), source });
      links.set(id, known);
    }
  }
  return links;
}

async function readHeads(path: string, publicKey: KeyObject): Promise<SignedHeads> {
  try {
    const { text, signature } = JSON.parse(await readFile(path, 'utf8')) as {
      text: string;
      signature: string;
    };
    if (verify(null, Buffer.from(text), publicKey, Buffer.from(signature, 'base64')))
      return JSON.parse(text) as SignedHeads;
  } catch (error) {
    throw forged(path, error);
  }
  throw forged(path);
}

/** The file is there whole or not at all. */
async function keep(path: string, text: string): Promise<void> {
  const draft = `${path}.new`;
  try {
    await writeFile(draft, text, { mode: 0o600, flush: true });
    await rename(draft, path);
    const folder = await open(dirname(path));
    await folder.sync().finally(() => folder.close());
  } catch (error) {
    throw toTicklakeError(error);
  }
}

function forged(path: string, cause?: unknown): TicklakeError {
  return new TicklakeError('DATA_CORRUPT', `${path} was not signed by the audit key`, {
    cause,
    remedy:
      'Name the folder and the key that the heads were signed with; if it is them, the file was changed.',
  });
}
