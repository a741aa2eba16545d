import { createHmac, createPublicKey, timingSafeEqual, verify } from 'node:crypto';
import { ApiError, Query } from '../answer.ts';
import type { Account, SimulatorAccount } from './account.ts';

export interface SignedMessage {
  apiKey: string | undefined;
  /** The query's text and the body's, one after the other, as they came. */
  text: string;
  /** Their parameters. */
  params: URLSearchParams;
}

const maxWindowMs = 60_000;
const defaultWindowMs = 5_000;
const maxAheadMs = 1_000;

/**
 * Whose request it is, judged as the exchange does: by its key, its time and the signature over its exact text. Throws
 * -1102, -1131, -1021, -1022, -2014, -2015.
 */
export function authenticate(
  { apiKey, text, params }: SignedMessage,
  accounts: readonly Account[],
  nowMs: number,
): Account {
  if (apiKey === undefined || !/^[\w-]{1,256}$/.test(apiKey))
    throw new ApiError(-2014, 'API-key format invalid.', 401);
  const query = new Query(params);
  const signature = query.required('signature');
  checkTime(Number(query.whole('timestamp') ?? query.required('timestamp')), windowOf(query), nowMs);
  const account = accounts.find(({ given }) => given.apiKey === apiKey);
  if (account === undefined)
    throw new ApiError(-2015, 'Invalid API-key, IP, or permissions for action.', 401);
  if (!isSignedBy(account.given, withoutSignature(text), signature))
    throw new ApiError(-1022, 'Signature for this request is not valid.');
  return account;
}

function windowOf(query: Query): number {
  const windowMs = query.whole('recvWindow') ?? defaultWindowMs;
  if (windowMs > maxWindowMs) throw new ApiError(-1131, 'recvWindow must be less than 60000.');
  return windowMs;
}

function checkTime(timestamp: number, windowMs: number, nowMs: number): void {
  if (timestamp >= nowMs + maxAheadMs)
    throw new ApiError(-1021, "Timestamp for this request was 1000ms ahead of the server's time.");
  if (nowMs - timestamp > windowMs)
    throw new ApiError(-1021, 'Timestamp for this request is outside of the recvWindow.');
}

function withoutSignature(text: string): string {
  return text.replace(/(^|&)signature=[^&]*/, '');
}

function isSignedBy({ type, verifyKey }: SimulatorAccount, text: string, signature: string): boolean {
  if (type === 'ed25519')
    return verify(
      null,
      Buffer.from(text),
      createPublicKey(verifyKey),
      Buffer.from(signature.replaceAll(' ', '+'), 'base64'),
    );
  const right = createHmac('sha256', verifyKey).update(text).digest();
  const given = Buffer.from(signature, 'hex');
  return given.length === right.length && timingSafeEqual(given, right);
}
