import type { Command } from 'commander';
import { readAudit, type StoredAuditEntry } from '#core/identity/audit.ts';
import { userByEmail } from '#core/identity/users.ts';
import type { CliContext } from './context.ts';
import { positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface LogOptions {
  limit: number;
  user?: string;
}

/** `ticklake audit log`: what was done about who may do what. */
export function registerAuditLog(audit: Command, context: CliContext): void {
  audit
    .command('log')
    .option('--limit <n>', 'most entries', positiveInteger, 100)
    .option('--user <email>', 'only of this user, or by them')
    .description('sign-ins, passwords, roles, keys and kill switches, the newest first')
    .addHelpText('after', '\nExample:\n  ticklake audit log --user ann@example.com')
    .action(async ({ limit, user }: LogOptions) => {
      const config = context.config();
      const logger = context.logger('audit', config);
      const entries = await withRuntime(
        config,
        'owner',
        'audit',
        logger,
        async ({ connection: { database } }) => {
          const of = user === undefined ? undefined : await userByEmail(database, user);
          return await readAudit(database, { limit, userId: of?.userId });
        },
      );
      context.output.result(entries, () =>
        table(['at', 'event', 'user', 'by', 'from', 'detail'], entries.map(rowOf)),
      );
    });
}

function rowOf({ at, event, userId, actorId, address, detail, login }: StoredAuditEntry) {
  return [at.toISOString(), event, userId, actorId ?? login, address, detail];
}
