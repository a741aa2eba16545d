import type { Command } from 'commander';
import { TicklakeError } from '#core/platform/errors.ts';
import type { CliContext } from './context.ts';
import { type Check, runChecks } from './doctor-checks.ts';
import { table } from './output.ts';

/** `ticklake doctor`: what this machine has, lacks, and how to get it. */
export function register(program: Command, context: CliContext): void {
  program
    .command('doctor')
    .description('say what is missing on this machine and how to get it')
    .addHelpText('after', '\nExample:\n  ticklake doctor --json')
    .action(async () => {
      const checks = await runChecks(context.config());
      const missing = checks.filter((check) => check.needed && !check.ok);
      context.output.result({ ok: missing.length === 0, checks }, () => describe(checks));
      if (missing.length > 0) {
        throw new TicklakeError('UNAVAILABLE', `Missing: ${missing.map((check) => check.name).join(', ')}`, {
          remedy: 'The remedies stand above.',
        });
      }
    });
}

function describe(checks: readonly Check[]): string {
  return table(
    ['what', 'state', 'found', 'remedy'],
    checks.map((check) => [
      check.name,
      check.ok ? 'ok' : check.needed ? 'missing' : 'missing (optional)',
      check.found,
      check.ok ? '' : check.remedy,
    ]),
  );
}
