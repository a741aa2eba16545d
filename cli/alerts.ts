import { Option, type Command } from 'commander';
import { listAlerts, severities, type Alert, type Severity } from '#core/alerts/alert.ts';
import type { Config } from '#core/platform/config.ts';
import type { CliContext } from './context.ts';
import { positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface ListOptions {
  state?: 'open' | 'acknowledged';
  kind?: string;
  severity?: Severity;
  limit: number;
}

/** Nobody's: who sits at the machine sees what those see who watch over trading. */
const noUser = '00000000-0000-0000-0000-000000000000';

/** `ticklake alerts list`: what who watches over trading should know of. */
export function register(program: Command, context: CliContext): void {
  program
    .command('alerts')
    .description('what who watches over trading should know of')
    .command('list')
    .addOption(new Option('--state <state>', 'whether somebody saw to it').choices(['open', 'acknowledged']))
    .option('--kind <kind>', 'of one kind, such as wash_trade')
    .addOption(new Option('--severity <severity>', 'of one severity').choices(severities))
    .option('--limit <n>', 'most alerts', positiveInteger, 100)
    .description('alerts, the newest first; those of users alone are not among them')
    .addHelpText('after', '\nExample:\n  ticklake alerts list --state open')
    .action((options: ListOptions) => list(context, options));
}

async function list(context: CliContext, options: ListOptions): Promise<void> {
  const config = context.config();
  const viewer = { userId: noUser, isOperator: true };
  const found = await withRuntime(
    config,
    roleOf(config),
    'alerts',
    context.logger('alerts', config),
    ({ connection }) => listAlerts(connection.database, viewer, options),
  );
  const headings = ['raised', 'severity', 'kind', 'cause', 'portfolio', 'acknowledged'];
  context.output.result(found, () => table(headings, found.map(rowOf)));
}

/** Any login that may read them will do. */
function roleOf({ databaseUrl, databaseUrlApi }: Config): 'owner' | 'api' | 'events' {
  if (databaseUrl !== undefined) return 'owner';
  return databaseUrlApi === undefined ? 'events' : 'api';
}

function rowOf({ raisedAt, severity, kind, cause, portfolioId, acknowledgedAt }: Alert): string[] {
  return [
    ...[raisedAt.toISOString(), severity, kind, cause, portfolioId ?? ''],
    acknowledgedAt?.toISOString() ?? '',
  ];
}
