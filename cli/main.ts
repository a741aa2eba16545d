import { Command, CommanderError } from 'commander';
import packageJson from '#package.json' with { type: 'json' };
import { isTicklakeError, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { maskUrls } from '#core/platform/logging.ts';
import * as archiveNoun from './archive.ts';
import * as auditNoun from './audit.ts';
import * as candlesNoun from './candles.ts';
import * as configNoun from './config.ts';
import * as coverageNoun from './coverage.ts';
import * as deadLettersNoun from './dead-letters.ts';
import * as demoNoun from './demo.ts';
import { type CliContext, createContext, type GlobalOptions, type Io } from './context.ts';
import * as doctorNoun from './doctor.ts';
import * as gapsNoun from './gaps.ts';
import * as jobsNoun from './jobs.ts';
import * as incidentsNoun from './incidents.ts';
import * as klinesNoun from './klines.ts';
import * as lakeNoun from './lake.ts';
import * as reconcileNoun from './reconcile.ts';
import * as riskNoun from './risk.ts';
import * as runNoun from './run.ts';
import * as signalsNoun from './signals.ts';
import * as sqlNoun from './sql.ts';
import * as symbolsNoun from './symbols.ts';
import * as transformNoun from './transform.ts';
import * as tradesNoun from './trades.ts';
import * as upNoun from './up.ts';
import * as usersNoun from './users.ts';

/** One file per noun; its commands stand in the help in this order. */
const nouns: { register(program: Command, context: CliContext): void }[] = [
  demoNoun,
  upNoun,
  runNoun,
  sqlNoun,
  lakeNoun,
  coverageNoun,
  symbolsNoun,
  gapsNoun,
  klinesNoun,
  tradesNoun,
  candlesNoun,
  transformNoun,
  signalsNoun,
  reconcileNoun,
  archiveNoun,
  incidentsNoun,
  jobsNoun,
  usersNoun,
  riskNoun,
  auditNoun,
  deadLettersNoun,
  configNoun,
  doctorNoun,
];

/** Runs one command line and resolves to its exit code; what went wrong has been printed. */
export async function run(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const { program, context } = createProgram(argv, io);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return 0;
  } catch (error) {
    if (error instanceof CommanderError) {
      if (error.exitCode === 0) return 0;
      if (error.code === 'commander.help') return new TicklakeError('USAGE', error.message).exitCode;
    }
    return report(asTicklakeError(error), context);
  }
}

/** The whole command with its nouns, and the context its actions share. */
export function createProgram(argv: readonly string[], io: Io): { program: Command; context: CliContext } {
  const program = new Command('ticklake');
  const beforeDashes = argv.includes('--') ? argv.slice(0, argv.indexOf('--')) : argv;
  const context = createContext(io, beforeDashes.includes('--json'), () => program.opts<GlobalOptions>());
  program
    .description('A crypto market-data lakehouse: every trade exactly once, provably complete.')
    .version(packageJson.version)
    .option('--data-dir <dir>', 'folder of the embedded database, the warehouse and the logs')
    .option('--json', 'print exactly one JSON document on stdout')
    .option('--log-level <level>', 'least severe log line that is written')
    .option('--config <file>', 'JSON file with the configuration')
    .configureHelp({ showGlobalOptions: true })
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Printed by report(), in the same shape as every other error.
      outputError: () => undefined,
    })
    .exitOverride()
    .addHelpText('after', '\nExample:\n  ticklake doctor');
  for (const noun of nouns) noun.register(program, context);
  return { program, context };
}

function report(error: TicklakeError, context: CliContext): number {
  const message = maskUrls(error.message);
  const remedy = error.remedy === undefined ? undefined : maskUrls(error.remedy);
  context.output.note(`ticklake: ${sentence(message)}${remedy === undefined ? '' : ` ${remedy}`}`);
  if (context.output.json && !context.output.documented) {
    const { code, retryable } = error;
    context.output.result({ error: { code, message, remedy, retryable } }, () => '');
  }
  return error.exitCode;
}

function asTicklakeError(error: unknown): TicklakeError {
  if (isTicklakeError(error)) return error;
  if (error instanceof CommanderError) {
    return new TicklakeError('USAGE', error.message.replace(/^error: /, '').replaceAll('\n', ' '), {
      cause: error,
      remedy: 'See `ticklake --help`.',
    });
  }
  return toTicklakeError(error);
}

function sentence(text: string): string {
  const line = text.trim().replaceAll(/\s*\n\s*/g, ' ');
  return /[.!?)]$/.test(line) ? line : `${line}.`;
}

function processIo(): Io {
  // A reader that closes the pipe early, as `head` does, has what it wanted.
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') process.exit(0);
    throw error;
  });
  const { env, stdin, stdout, stderr } = process;
  return { env, cwd: process.cwd(), stdin, stdout, stderr };
}
