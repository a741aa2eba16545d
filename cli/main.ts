import { Command, CommanderError } from 'commander';
import packageJson from '#package.json' with { type: 'json' };
import { isTicklakeError, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { maskUrls } from '#core/platform/logging.ts';
import { type CliContext, createContext, type GlobalOptions, type Io } from './context.ts';

interface Noun {
  register(program: Command, context: CliContext): void;
}

/** One file per noun, read when it is named; they stand in the help in this order. */
const nouns: Readonly<Record<string, () => Promise<Noun>>> = {
  demo: () => import('./demo.ts'),
  up: () => import('./up.ts'),
  run: () => import('./run.ts'),
  sql: () => import('./sql.ts'),
  lake: () => import('./lake.ts'),
  symbols: () => import('./symbols.ts'),
  gaps: () => import('./gaps.ts'),
  klines: () => import('./klines.ts'),
  trades: () => import('./trades.ts'),
  candles: () => import('./candles.ts'),
  transform: () => import('./transform.ts'),
  signals: () => import('./signals.ts'),
  reconcile: () => import('./reconcile.ts'),
  archive: () => import('./archive.ts'),
  incidents: () => import('./incidents.ts'),
  jobs: () => import('./jobs.ts'),
  users: () => import('./users.ts'),
  keys: () => import('./keys.ts'),
  risk: () => import('./risk.ts'),
  alerts: () => import('./alerts.ts'),
  audit: () => import('./audit.ts'),
  'dead-letters': () => import('./dead-letters.ts'),
  config: () => import('./config.ts'),
  doctor: () => import('./doctor.ts'),
};

/** Runs one command line and resolves to its exit code; what went wrong has been printed. */
export async function run(argv: readonly string[], io: Io = processIo()): Promise<number> {
  const { program, context } = await createProgram(argv, io);
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

/** The command with the noun that the line names, or with all of them where it names none, and what its actions share. */
export async function createProgram(
  argv: readonly string[],
  io: Io,
): Promise<{ program: Command; context: CliContext }> {
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
  const load = nouns[firstArgument(program, beforeDashes) ?? ''];
  const named = await Promise.all(load === undefined ? Object.values(nouns).map((each) => each()) : [load()]);
  for (const noun of named) noun.register(program, context);
  return { program, context };
}

/** The first word that is neither an option of the whole command nor such an option's value. */
function firstArgument(program: Command, argv: readonly string[]): string | undefined {
  const takesValue = (word: string | undefined): boolean =>
    program.options.some((option) => option.required && option.long === word);
  return argv.find((word, index) => !word.startsWith('-') && !takesValue(argv[index - 1]));
}

function report(error: TicklakeError, context: CliContext): number {
  const message = maskUrls(error.message);
  const remedy = error.remedy === undefined ? undefined : maskUrls(error.remedy);
  const said = pointsAtPlace(message) ? `${message.trimEnd()}\n` : `${sentence(message)} `;
  context.output.note(`ticklake: ${said}${remedy ?? ''}`.trimEnd());
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

/** Whether a line of the message is below another for a reason, as DuckDB's are. */
function pointsAtPlace(message: string): boolean {
  return /\n *\^/.test(message);
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
