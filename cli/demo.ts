import type { Command } from 'commander';
import type { CliContext } from './context.ts';
import { addUpOptions, up, type UpOptions } from './up.ts';

const demoSpeed = 60;
/** Its page is looked at by who has not signed in, and stays so over hours. */
const demoAddressRequests = 100_000;
/** Enough for the longest average. */
const demoBars = 300;

/** `ticklake demo`: `up` on a simulated exchange whose clock runs 60 times faster. */
export function register(program: Command, context: CliContext): void {
  addUpOptions(
    program.command('demo').description('run all roles on a simulated exchange, its clock 60 times faster'),
  )
    .addHelpText('after', '\nExample:\n  ticklake demo --for 60s --json')
    .action(async (options: UpOptions) => {
      await up(context, options, {
        ...{ exchange: 'simulator', simulatorSpeed: demoSpeed, apiAddressRequests: demoAddressRequests },
        ...{ preload: demoBars, demoUsers: true },
      });
    });
}
