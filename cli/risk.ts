import type { Command } from 'commander';
import type { Config } from '#core/platform/config.ts';
import { readGlobalRisk, setGlobalRisk, type GlobalRiskChange } from '#core/trading/kill-switch.ts';
import type { RiskState } from '#core/trading/portfolio.ts';
import type { CliContext } from './context.ts';
import { withRuntime } from './runtime.ts';

interface GlobalRisk {
  risk: RiskState;
  change?: GlobalRiskChange;
}

const states = ['active', 'reducing', 'halted'] as const;

/** `ticklake risk state`: what is traded at all. */
export function register(program: Command, context: CliContext): void {
  program
    .command('risk')
    .description('what is traded at all')
    .command('state')
    .addArgument(
      program
        .createArgument('[state]', 'halted takes no order, reducing only those that make a position smaller')
        .choices(states),
    )
    .option('--reason <text>', 'why, for the record', 'by the command line')
    .description(
      'show the state that all portfolios trade in, or set it: answered, no order is accepted by the one before',
    )
    .addHelpText('after', '\nExample:\n  ticklake risk state halted --reason "prices are wrong"')
    .action(async (risk: RiskState | undefined, { reason }: { reason: string }) => {
      const config = context.config();
      const now = await withRuntime(
        config,
        roleOf(config),
        'risk',
        context.logger('risk', config),
        async (runtime) => {
          const { database } = runtime.connection;
          if (risk !== undefined)
            await setGlobalRisk(database, { risk, reason, by: 'owner', atUs: Date.now() * 1_000 });
          return await readGlobalRisk(database);
        },
      );
      context.output.result(now, () => told(now));
    });
}

/** Where only the trader's login is given, that shows the state; to set it takes more rights. */
function roleOf({ databaseUrl, databaseUrlApi, databaseUrlTrader }: Config): 'owner' | 'api' | 'trader' {
  if (databaseUrl !== undefined) return 'owner';
  if (databaseUrlApi !== undefined) return 'api';
  return databaseUrlTrader === undefined ? 'owner' : 'trader';
}

function told({ risk, change }: GlobalRisk): string {
  if (change === undefined) return `${risk}\n`;
  const at = new Date(change.atUs / 1_000).toISOString();
  return `${risk}, set by ${change.by} at ${at}: ${change.reason}\n`;
}
