import { createHmac, createPrivateKey, sign, type KeyObject } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';

export type ExchangeKeyType = 'hmac' | 'ed25519';

/** A key of the venue's that may trade. */
export interface ExchangeKey {
  type: ExchangeKeyType;
  /** What names the key to the venue. */
  apiKey: string;
  /** HMAC: the secret as the venue gave it. Ed25519: the private key, PKCS #8 in PEM. */
  secret: string;
}

/** Signs for one key. The secret is out of its reach: no log of this shows it. */
export interface Signer {
  readonly apiKey: string;
  /** The signature as the parameter's value, not yet percent-encoded. */
  signature(text: string): string;
}

/**
 * Signs as Binance documents it: HMAC SHA-256 in hexadecimal, or Ed25519 in base64, over the exact text of the parameters.
 * Throws CONFIG_INVALID where the key is not of its form, which it does not repeat.
 */
export function createSigner({ type, apiKey, secret }: ExchangeKey): Signer {
  // It becomes a header: whatever else is in it would be shown by the error of who sets headers.
  if (!/^[\w-]{1,256}$/.test(apiKey)) throw unusable('exchangeApiKey is not letters and digits alone');
  if (type === 'hmac') {
    if (secret.trim() === '') throw unusable('exchangeApiSecret is empty');
    const held = secret.trim();
    return { apiKey, signature: (text) => createHmac('sha256', held).update(text).digest('hex') };
  }
  const held = privateKeyOf(secret);
  return { apiKey, signature: (text) => sign(null, Buffer.from(text), held).toString('base64') };
}

function privateKeyOf(pem: string): KeyObject {
  let key: KeyObject | undefined;
  try {
    key = createPrivateKey(pem);
  } catch {
    // What OpenSSL says of it may repeat some of it.
  }
  if (key?.asymmetricKeyType === 'ed25519') return key;
  throw unusable('exchangeApiSecret is not an Ed25519 private key in PEM');
}

function unusable(what: string): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', what, {
    remedy: 'Give the key as the exchange gave it, and its kind as exchangeApiKeyType.',
  });
}
