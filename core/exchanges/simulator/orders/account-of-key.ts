import { createPublicKey } from 'node:crypto';
import { createSigner, type ExchangeKey } from '../../binance/orders/sign.ts';
import type { SimulatorAccount } from './account.ts';

const balances = { USDT: '100000', BTC: '1', ETH: '10' };

/** A customer of the simulator who signs with this key. Throws CONFIG_INVALID where the key is not of its form. */
export function accountOfKey(key: ExchangeKey): SimulatorAccount {
  const { apiKey } = createSigner(key);
  if (key.type === 'hmac') return { apiKey, type: 'hmac', verifyKey: key.secret.trim(), balances };
  const verifyKey = createPublicKey(key.secret).export({ type: 'spki', format: 'pem' }).toString();
  return { apiKey, type: 'ed25519', verifyKey, balances };
}
