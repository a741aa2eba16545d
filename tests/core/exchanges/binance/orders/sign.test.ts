import { createPrivateKey, createPublicKey, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { createSigner } from '#core/exchanges/binance/orders/sign.ts';
import { queryText } from '#core/exchanges/binance/orders/signed-client.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { ed25519Key } from './support.ts';

/** The key of Binance's documentation, "SIGNED endpoint examples for POST /api/v3/order". */
const documented = {
  type: 'hmac' as const,
  apiKey: 'vmPUZE6mv9SD5VNHk4HlWFsOr6aKE2zvsw0MuIgwCIPy6utIco14y7Ju91duEh8A',
  secret: 'NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j',
};
const order = {
  ...{ symbol: 'LTCBTC', side: 'BUY', type: 'LIMIT', timeInForce: 'GTC', quantity: 1, price: '0.1' },
  ...{ recvWindow: 5000, timestamp: 1499827319559 },
};

describe('HMAC', () => {
  it('signs the documented examples', () => {
    const { signature } = createSigner(documented);
    expect(signature(queryText(order))).toBe(
      'c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71',
    );
    expect(
      signature(
        'symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTCquantity=1&price=0.1&recvWindow=5000&timestamp=1499827319559',
      ),
    ).toBe('0fd168b8ddb4876a0358a8d14d0c9f3da0e9b20c5d52b2a00fcf7d1c602f9a77');
    // The documented symbol with full-width digits, which is percent-encoded before it is signed.
    expect(signature(queryText({ ...order, symbol: '１２３４５６' }))).toBe(
      'e1353ec6b14d888f1164ae9af8228a3dbd508bc82eb867db8ab6046442f33ef3',
    );
  });

  it('takes a secret from a file with its line end', () => {
    const line = { ...documented, secret: `${documented.secret}\n` };
    expect(createSigner(line).signature('a')).toBe(createSigner(documented).signature('a'));
  });
});

describe('Ed25519', () => {
  /** RFC 8032, section 7.1, test 2: a seed, its signature of the one byte 0x72. */
  const seed = '4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb';
  const signed =
    '92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da' +
    '085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00';

  it('signs as RFC 8032 does, in base64', () => {
    const der = Buffer.from(`302e020100300506032b657004220420${seed}`, 'hex');
    const key = createPrivateKey({ key: der, format: 'der', type: 'pkcs8' });
    const secret = key.export({ type: 'pkcs8', format: 'pem' }).toString();
    const { signature } = createSigner({ type: 'ed25519', apiKey: 'key', secret });
    expect(signature('r')).toBe(Buffer.from(signed, 'hex').toString('base64'));
  });

  it('is verified by the public key', () => {
    const { signature } = createSigner(ed25519Key);
    const given = Buffer.from(signature(queryText(order)), 'base64');
    const publicKey = createPublicKey(ed25519Key.secret);
    expect(verify(null, Buffer.from(queryText(order)), publicKey, given)).toBe(true);
    expect(verify(null, Buffer.from(queryText({ ...order, price: '0.2' })), publicKey, given)).toBe(false);
  });
});

describe('a key that cannot be used', () => {
  it.each([
    { type: 'hmac' as const, apiKey: 'bad key\n', secret: 'kept-to-itself' },
    { type: 'ed25519' as const, apiKey: 'key', secret: 'kept-to-itself' },
    { type: 'ed25519' as const, apiKey: 'key', secret: `-----BEGIN PRIVATE KEY-----\nkept-to-itself\n` },
    { type: 'hmac' as const, apiKey: 'key', secret: ' ' },
  ])('is refused without being repeated: $type $apiKey', (key) => {
    let refusal: unknown;
    try {
      createSigner(key);
    } catch (error) {
      refusal = error;
    }
    expect(isTicklakeError(refusal, 'CONFIG_INVALID')).toBe(true);
    expect(`${String(refusal)} ${JSON.stringify(refusal)}`).not.toContain('kept-to-itself');
    expect((refusal as Error).cause).toBeUndefined();
  });
});
