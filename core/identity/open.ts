import type { Metrics } from '#core/platform/metrics.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { openKeyRing, type KeyRing } from './key-ring.ts';
import { openLockOut, type LockOut } from './lock-out.ts';
import { createPasswords, type Passwords } from './passwords.ts';
import { openSessions, type Sessions } from './sessions.ts';

/** What a service needs to know who asks. */
export interface Identity {
  passwords: Passwords;
  keys: KeyRing;
  sessions: Sessions;
  lockOut: LockOut;
}

/** @throws CONFIG_INVALID where the key file holds no key */
export async function openIdentity(options: {
  database: Database;
  metrics: Metrics;
  dataDir: string;
  keyFile?: string | undefined;
}): Promise<Identity> {
  const passwords = createPasswords(options.metrics);
  const keys = await openKeyRing(options);
  const lockOut = openLockOut(options.database);
  return { passwords, keys, lockOut, sessions: openSessions({ ...options, keys, passwords, lockOut }) };
}
