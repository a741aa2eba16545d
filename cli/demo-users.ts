import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createPasswords } from '#core/identity/passwords.ts';
import type { Role } from '#core/identity/roles.ts';
import { giveRole, registerUser } from '#core/identity/users.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { paperFees } from '#core/trading/fees.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import type { Runtime } from './runtime.ts';

export interface DemoUser {
  email: string;
  password: string;
  role: Role;
}

const people: readonly Omit<DemoUser, 'password'>[] = [
  { email: 'trader@demo.invalid', role: 'trader' },
  { email: 'operator@demo.invalid', role: 'operator' },
];
const money = { USDT: '100000', BTC: '1' };

/**
 * Users to try trading with, each with a portfolio and money. Their passwords are made once and kept in the data dir,
 * where only its owner reads them.
 */
export async function ensureDemoUsers(runtime: Runtime): Promise<DemoUser[]> {
  const path = join(runtime.config.dataDir, 'demo-users.json');
  const known = await readFile(path, 'utf8').then(
    (text) => JSON.parse(text) as DemoUser[],
    () => undefined,
  );
  const users = known ?? people.map((of) => ({ ...of, password: randomBytes(9).toString('base64url') }));
  if (known === undefined) await writeFile(path, JSON.stringify(users, undefined, 2), { mode: 0o600 });
  for (const user of users) await ensureUser(runtime, user);
  return users;
}

async function ensureUser(
  { connection, metrics }: Runtime,
  { email, password, role }: DemoUser,
): Promise<void> {
  const { database } = connection;
  try {
    const { userId } = await registerUser(database, createPasswords(metrics), { email, password });
    if (role !== 'trader') await giveRole(database, userId, role);
    await openFunded({ connection, metrics }, userId);
  } catch (error) {
    if (!isTicklakeError(error, 'ALREADY_EXISTS')) throw error;
  }
}

async function openFunded(
  { connection: { database }, metrics }: Pick<Runtime, 'connection' | 'metrics'>,
  userId: string,
): Promise<void> {
  const surroundings = { market: () => undefined, fees: paperFees };
  const writer = openTradingWriter({ database, surroundings, metrics });
  try {
    const at = { portfolioId: randomUUID(), atUs: Date.now() * 1_000 };
    await writer.submit({ ...at, kind: 'open_portfolio', userId, name: 'Demo', limits: defaultLimits });
    for (const [asset, amount] of Object.entries(money))
      await writer.submit({ ...at, kind: 'deposit', id: randomUUID(), asset, amount: parseDecimal(amount) });
  } finally {
    await writer.close();
  }
}
