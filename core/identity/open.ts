import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { openSessions, type Sessions } from './sessions.ts';
import { openSigningKeys, type SigningKeys } from './signing-key.ts';

/** What a service needs to know who asks. */
export interface Identity {
  passwords: Passwords;
  keys: SigningKeys;
  sessions: Sessions;
}

/** @throws CONFIG_INVALID where the key file holds no key */
export async function openIdentity(options: {
  database: Database;
  metrics: Metrics;
  dataDir: string;
  keyFile?: string | undefined;
}): Promise<Identity> {
  const passwords = createPasswords(options.metrics);
  const keys = await openSigningKeys(options);
  return { passwords, keys, sessions: openSessions({ ...options, keys, passwords }) };
}
