import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { stopTelling } from '#core/alerts/stop-telling.ts';
import { revokeAllKeys } from '#core/identity/api-keys.ts';
import { recordAudit } from '#core/identity/audit.ts';
import { issueReset, setPassword } from '#core/identity/change-password.ts';
import { createPasswords } from '#core/identity/passwords.ts';
import { disableUser, enableUser } from '#core/identity/disable-user.ts';
import { roles, type Role } from '#core/identity/roles.ts';
import { endAllSessions } from '#core/identity/sessions.ts';
import { giveRole, listUsers, registerUser, userByEmail, type User } from '#core/identity/users.ts';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime, type Runtime } from './runtime.ts';

interface PasswordOptions {
  passwordFile: string;
}

/** `ticklake users`: who may sign in, and as what. */
export function register(program: Command, context: CliContext): void {
  const users = program.command('users').description('who may sign in, and as what');
  const passwordFile = (): Option =>
    new Option(
      '--password-file <file>',
      'file whose first line is the password, `/dev/stdin` for a pipe',
    ).makeOptionMandatory();
  users
    .command('list')
    .option('--limit <n>', 'most users', positiveInteger, 100)
    .description('users, the oldest first')
    .addHelpText('after', '\nExample:\n  ticklake users list')
    .action(({ limit }: { limit: number }) =>
      onUsers(context, ({ connection }) => listUsers(connection.database, { limit })),
    );
  users
    .command('create')
    .argument('<email>', 'address to sign in with')
    .addOption(passwordFile())
    .addOption(new Option('--role <role>', 'what they may do').choices(roles).default('trader'))
    .description('make a user')
    .addHelpText('after', '\nExample:\n  ticklake users create ann@example.com --password-file ann.txt')
    .action((email: string, options: PasswordOptions & { role: Role }) =>
      onUsers(context, async ({ connection, metrics }) => {
        const password = await firstLine(options.passwordFile);
        return await connection.database.transaction(async (tx) => {
          const user = await registerUser(tx, createPasswords(metrics), { email, password });
          return [options.role === user.role ? user : await giveRole(tx, user.userId, options.role)];
        });
      }),
    );
  users
    .command('role')
    .argument('<email>', 'whose')
    .addArgument(
      program.createArgument('<role>', 'what they may do from their next request on').choices(roles),
    )
    .description('give a user another role')
    .addHelpText('after', '\nExample:\n  ticklake users role ann@example.com operator')
    .action((email: string, role: Role) =>
      onUsers(context, async ({ connection: { database } }) => {
        const { userId } = await userByEmail(database, email);
        return [await giveRole(database, userId, role)];
      }),
    );
  users
    .command('password')
    .argument('<email>', 'whose')
    .addOption(passwordFile())
    .description('set a user’s password, and end all their sessions and API keys')
    .addHelpText('after', '\nExample:\n  ticklake users password ann@example.com --password-file ann.txt')
    .action((email: string, options: PasswordOptions) =>
      onUsers(context, async ({ connection: { database }, metrics }) => {
        const user = await userByEmail(database, email);
        const newPassword = await firstLine(options.passwordFile);
        await setPassword(database, createPasswords(metrics), { userId: user.userId, newPassword });
        return [user];
      }),
    );
  users
    .command('sign-out')
    .argument('<email>', 'whose')
    .option('--keys', 'their API keys, too')
    .description('end all sessions of a user, from their next request on')
    .addHelpText('after', '\nExample:\n  ticklake users sign-out ann@example.com --keys')
    .action((email: string, { keys = false }: { keys?: boolean }) =>
      onUsers(context, async ({ connection: { database } }) => {
        const user = await userByEmail(database, email);
        await database.transaction(async (tx) => {
          await endAllSessions(tx, user.userId, 'operator');
          if (keys) await revokeAllKeys(tx, user.userId);
          await recordAudit(tx, {
            event: 'signed_out',
            userId: user.userId,
            ...(keys ? { detail: 'keys too' } : {}),
          });
        });
        return [user];
      }),
    );
  users
    .command('disable')
    .argument('<email>', 'whose')
    .description('end all sessions and API keys of a user, who cannot sign in any more; their orders stay')
    .addHelpText('after', '\nExample:\n  ticklake users disable ann@example.com')
    .action((email: string) =>
      onUsers(context, async ({ connection: { database } }) => {
        const { userId } = await userByEmail(database, email);
        return await database.transaction(async (tx) => {
          const user = await disableUser(tx, userId);
          await stopTelling(tx, userId);
          return [user];
        });
      }),
    );
  users
    .command('enable')
    .argument('<email>', 'whose')
    .description('let a user sign in again')
    .addHelpText('after', '\nExample:\n  ticklake users enable ann@example.com')
    .action((email: string) =>
      onUsers(context, async ({ connection: { database } }) => {
        const { userId } = await userByEmail(database, email);
        return [await enableUser(database, userId)];
      }),
    );
  users
    .command('reset')
    .argument('<email>', 'whose')
    .description('print a token that sets a new password once, within an hour, for who brings it to them')
    .addHelpText('after', '\nExample:\n  ticklake users reset ann@example.com')
    .action(async (email: string) => {
      const reset = await asOwner(context, async ({ connection: { database } }) => {
        const { userId } = await userByEmail(database, email);
        return await issueReset(database, userId);
      });
      context.output.result(reset, () => `${reset.token}\n`);
      context.output.note(
        `good once, until ${reset.expiresAt.toISOString()}: POST /v1/password-resets {"token", "newPassword"}`,
      );
    });
}

/** With the owner's login: nobody else gives roles. */
async function onUsers(context: CliContext, work: (runtime: Runtime) => Promise<User[]>): Promise<void> {
  const users = await asOwner(context, work);
  context.output.result(users, () => table(['email', 'role', 'since', 'disabled', 'user'], users.map(rowOf)));
}

async function asOwner<T>(context: CliContext, work: (runtime: Runtime) => Promise<T>): Promise<T> {
  const config = context.config();
  return await withRuntime(config, 'owner', 'users', context.logger('users', config), work);
}

function rowOf({ email, role, createdAt, disabledAt, userId }: User): string[] {
  return [email, role, createdAt.toISOString(), disabledAt?.toISOString() ?? '', userId];
}

async function firstLine(path: string): Promise<string> {
  const text = await readFile(path, 'utf8').catch((error: unknown) => {
    throw new TicklakeError('USAGE', `the file of the password cannot be read: ${messageOf(error)}`, {
      cause: error,
      remedy: 'Name a file with --password-file that you may read, or /dev/stdin.',
    });
  });
  const [line = ''] = text.split(/\r?\n/);
  return line;
}
