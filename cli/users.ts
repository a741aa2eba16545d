import { readFile } from 'node:fs/promises';
import { Option, type Command } from 'commander';
import { createPasswords } from '#core/identity/passwords.ts';
import { roles, type Role } from '#core/identity/roles.ts';
import {
  giveRole,
  listUsers,
  registerUser,
  resetPassword,
  userByEmail,
  type User,
} from '#core/identity/users.ts';
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
    .description('set a user’s password, and end all their sessions')
    .addHelpText('after', '\nExample:\n  ticklake users password ann@example.com --password-file ann.txt')
    .action((email: string, options: PasswordOptions) =>
      onUsers(context, async ({ connection: { database }, metrics }) => {
        const user = await userByEmail(database, email);
        const newPassword = await firstLine(options.passwordFile);
        await resetPassword(database, createPasswords(metrics), { userId: user.userId, newPassword });
        return [user];
      }),
    );
}

/** With the owner's login: nobody else gives roles. */
async function onUsers(context: CliContext, work: (runtime: Runtime) => Promise<User[]>): Promise<void> {
  const config = context.config();
  const users = await withRuntime(config, 'owner', 'users', context.logger('users', config), work);
  context.output.result(users, () => table(['email', 'role', 'since', 'user'], users.map(rowOf)));
}

function rowOf({ email, role, createdAt, userId }: User): string[] {
  return [email, role, createdAt.toISOString(), userId];
}

async function firstLine(path: string): Promise<string> {
  const [line = ''] = (await readFile(path, 'utf8')).split(/\r?\n/);
  return line;
}
