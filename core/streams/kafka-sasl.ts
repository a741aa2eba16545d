import { createHash, createHmac, pbkdf2Sync, randomBytes, timingSafeEqual } from 'node:crypto';
import { signInRefused, type KafkaSasl } from './kafka-security.ts';

type Ask = (request: Buffer) => Promise<Buffer>;

const handshakeKey = 17;
const authenticateKey = 36;
const iterationsMin = 4_096;
/** Beyond it a broker would only keep this process from all else. */
const iterationsMax = 1_000_000;
const digests = { 'scram-sha-256': 'sha256', 'scram-sha-512': 'sha512' } as const;

/**
 * Signs in on a connection that has just been opened: SaslHandshake version 1, then SaslAuthenticate version 0 with PLAIN
 * (RFC 4616) or SCRAM (RFC 5802), whose server proves that it knows the password, too. @throws LOG_WRONG when refused
 */
export async function signIn(ask: Ask, sasl: KafkaSasl): Promise<void> {
  const { mechanism, username, password } = sasl;
  const name = mechanism.toUpperCase();
  const answer = await ask(request(handshakeKey, 1, string(name)));
  if (answer.readInt16BE(4) !== 0) throw signInRefused(`the broker does not know ${name}`);
  if (mechanism === 'plain') {
    await authenticate(ask, `\0${username}\0${password}`);
    return;
  }
  const scram = scramOf(digests[mechanism], username, password);
  const challenge = await authenticate(ask, scram.first);
  const { final, expected } = scram.answer(challenge);
  const proof = Buffer.from(attribute(await authenticate(ask, final), 'v'), 'base64');
  if (proof.length !== expected.length || !timingSafeEqual(proof, expected))
    throw signInRefused('the broker does not know the password itself');
}

async function authenticate(ask: Ask, text: string): Promise<string> {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(4);
  length.writeInt32BE(bytes.length);
  const answer = await ask(request(authenticateKey, 0, Buffer.concat([length, bytes])));
  const errorCode = answer.readInt16BE(4);
  const messageLength = answer.readInt16BE(6);
  const at = 8 + Math.max(messageLength, 0);
  if (errorCode !== 0)
    throw signInRefused(messageLength > 0 ? answer.toString('utf8', 8, at) : `error ${errorCode}`);
  return answer.toString('utf8', at + 4, at + 4 + answer.readInt32BE(at));
}

/** The client's side of one exchange, without channel binding. */
export function scramOf(
  digest: 'sha256' | 'sha512',
  username: string,
  password: string,
  nonce = randomBytes(24).toString('base64url'),
): { first: string; answer: (challenge: string) => { final: string; expected: Buffer } } {
  const hmac = (key: Buffer, text: string): Buffer => createHmac(digest, key).update(text).digest();
  const name = username.replaceAll('=', '=3D').replaceAll(',', '=2C');
  const bare = `n=${name},r=${nonce}`;
  return {
    first: `n,,${bare}`,
    answer(challenge) {
      const theirs = attribute(challenge, 'r');
      const iterations = Number(attribute(challenge, 'i'));
      if (!theirs.startsWith(nonce) || theirs === nonce)
        throw signInRefused('its nonce is not of this exchange');
      if (!(iterations >= iterationsMin)) throw signInRefused(`it asks for ${iterations} iterations only`);
      if (iterations > iterationsMax)
        throw signInRefused(`it asks for ${iterations} iterations, above ${iterationsMax}`);
      const salt = Buffer.from(attribute(challenge, 's'), 'base64');
      const length = createHash(digest).digest().length;
      const salted = pbkdf2Sync(password.normalize('NFKC'), salt, iterations, length, digest);
      const clientKey = hmac(salted, 'Client Key');
      const withoutProof = `c=${Buffer.from('n,,').toString('base64')},r=${theirs}`;
      const all = `${bare},${challenge},${withoutProof}`;
      const signature = hmac(createHash(digest).update(clientKey).digest(), all);
      const proof = Buffer.from(clientKey.map((byte, index) => byte ^ (signature[index] ?? 0)));
      const expected = hmac(hmac(salted, 'Server Key'), all);
      return { final: `${withoutProof},p=${proof.toString('base64')}`, expected };
    },
  };
}

function attribute(text: string, name: string): string {
  const found = text.split(',').find((part) => part.startsWith(`${name}=`));
  if (found === undefined) throw signInRefused(`it answers ${text.slice(0, 100)}`);
  return found.slice(name.length + 1);
}

/** With a request header of version 1. */
function request(key: number, version: number, body: Buffer): Buffer {
  const head = Buffer.alloc(8);
  head.writeInt16BE(key, 0);
  head.writeInt16BE(version, 2);
  head.writeInt32BE(1, 4);
  return Buffer.concat([head, string('ticklake'), body]);
}

function string(text: string): Buffer {
  const bytes = Buffer.from(text);
  const length = Buffer.alloc(2);
  length.writeInt16BE(bytes.length);
  return Buffer.concat([length, bytes]);
}
