import { randomBytes, randomUUID } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setPassword } from '#core/identity/change-password.ts';
import { createPasswords } from '#core/identity/passwords.ts';
import { roles, type Role } from '#core/identity/roles.ts';
import { giveRole, registerUser, userByEmail } from '#core/identity/users.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import { isMissingFile, isTicklakeError, messageOf, TicklakeError } from '#core/platform/errors.ts';
import { paperFees } from '#core/trading/fees.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { listPortfolios } from '#core/trading/read.ts';
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
 * where only its owner reads them; where that file was lost they get new ones.
 * @throws CONFIG_INVALID for a file that is none of ours
 */
export async function ensureDemoUsers(runtime: Runtime): Promise<DemoUser[]> {
  const path = join(runtime.config.dataDir, 'demo-users.json');
  const known = await knownUsers(path);
  const users = known ?? people.map((of) => ({ ...of, password: randomBytes(9).toString('base64url') }));
  for (const user of users) await ensureUser(runtime, user, known === undefined);
  // Last: who finds the file finds users that can sign in with it.
  if (known === undefined) await writeFile(path, JSON.stringify(users, undefined, 2), { mode: 0o600 });
  return users;
}

async function knownUsers(path: string): Promise<DemoUser[] | undefined> {
  try {
    return usersOf(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (isMissingFile(error)) return undefined;
    throw new TicklakeError('CONFIG_INVALID', `${path} cannot be read: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Delete it: the demo’s users get new passwords then.',
    });
  }
}

function usersOf(value: unknown): DemoUser[] {
  const users = value as Partial<DemoUser>[];
  const isUsers =
    Array.isArray(value) &&
    users.every(
      (user) =>
        typeof user.email === 'string' &&
        typeof user.password === 'string' &&
        roles.includes(user.role as Role),
    );
  if (!isUsers) throw new TicklakeError('BAD_REQUEST', 'it is no list of users');
  return users as DemoUser[];
}

async function ensureUser(
  { connection, metrics }: Runtime,
  { email, password, role }: DemoUser,
  isNewPassword: boolean,
): Promise<void> {
  const { database } = connection;
  const passwords = createPasswords(metrics);
  const found = await registerUser(database, passwords, { email, password }).catch(async (error: unknown) => {
    if (!isTicklakeError(error, 'ALREADY_EXISTS')) throw error;
    const user = await userByEmail(database, email);
    if (isNewPassword) await setPassword(database, passwords, { userId: user.userId, newPassword: password });
    return user;
  });
  if (found.role !== role) await giveRole(database, found.userId, role);
  const portfolios = await listPortfolios(database, found.userId, { limit: 1 });
  if (portfolios.length === 0) await openFunded({ connection, metrics }, found.userId);
}

async function openFunded(
  { connection: { database }, metrics }: Pick<Runtime, 'connection' | 'metrics'>,
  userId: string,
): Promise<void> {
  const surroundings = { market: () => undefined, fees: paperFees };
  const writer = openTradingWriter({ database, surroundings, metrics });
  try {
    const at = { portfolioId: randomUUID(), atUs: Date.now() * 1_000 };
    const outcomes = await writer.submitTogether([
      { ...at, kind: 'open_portfolio', userId, name: 'Demo', limits: defaultLimits },
      ...Object.entries(money).map(([asset, amount]) => ({
        ...{ ...at, kind: 'deposit' as const, id: randomUUID() },
        ...{ asset, amount: parseDecimal(amount) },
      })),
    ]);
    for (const outcome of outcomes) if ('refused' in outcome) throw outcome.refused;
  } finally {
    await writer.close();
  }
}
