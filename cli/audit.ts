import type { Command } from 'commander';
import { figuresOf } from '#core/trading/reconcile.ts';
import { replay } from '#core/trading/replay.ts';
import { registerAuditLog } from './audit-log.ts';
import { registerAuditVerify } from './audit-verify.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

/** `ticklake audit`: that no event of trading was changed, what followed from each, and who did what. */
export function register(program: Command, context: CliContext): void {
  const audit = program
    .command('audit')
    .description('that no event of trading was changed, what followed, and who was let in');
  registerAuditVerify(audit, context);
  audit
    .command('replay')
    .argument('<portfolio>', 'its id')
    .option('--to <n>', 'the last event that counts', positiveInteger)
    .option('--at <time>', 'those that happened up to this day or instant in UTC', instant)
    .description('balances, holdings and orders as they were after an event, from the events alone')
    .addHelpText('after', '\nExample:\n  ticklake audit replay 3f0c2a6e-… --to 12')
    .action((id: string, options: { to?: number; at?: Date }) => showReplay(context, id, options));
  registerAuditLog(audit, context);
}

async function showReplay(
  context: CliContext,
  id: string,
  { to, at }: { to?: number; at?: Date },
): Promise<void> {
  const config = context.config();
  const end = { number: to, atUs: at === undefined ? undefined : at.getTime() * 1_000 };
  const logger = context.logger('audit', config);
  const figures = await withRuntime(config, 'owner', 'audit', logger, async ({ connection }) =>
    figuresOf(await replay(connection.database, id, end)),
  );
  context.output.result(Object.fromEntries(figures), () => table(['figure', 'value'], [...figures]));
}
