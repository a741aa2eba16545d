import { randomUUID } from 'node:crypto';
import { openIdentity } from '#core/identity/open.ts';
import { registerUser } from '#core/identity/users.ts';
import type { Runtime } from '#cli/runtime.ts';

/** A user who has signed in. */
export async function signedIn({ config, metrics, connection }: Runtime): Promise<{
  userId: string;
  token: string;
}> {
  const { database } = connection;
  const identity = await openIdentity({ database, metrics, dataDir: config.dataDir });
  const [email, password] = ['bench@example.com', randomUUID()];
  const { userId } = await registerUser(database, identity.passwords, { email, password });
  const { token } = await identity.sessions.signIn(email, password);
  return { userId, token };
}
