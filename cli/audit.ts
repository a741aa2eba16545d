import type { Command } from 'commander';
import { verifyChain, type ChainReport } from '#core/trading/audit.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { figuresOf } from '#core/trading/reconcile.ts';
import { replay, storedEvents } from '#core/trading/replay.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface Verdict {
  portfolioId: string;
  events: number;
  hash: string;
  ok: boolean;
  fault: ChainReport['fault'] | null;
}

/** `ticklake audit`: that no event of trading was changed, and what followed from each. */
export function register(program: Command, context: CliContext): void {
  const audit = program
    .command('audit')
    .description('that no event of trading was changed, and what followed');
  audit
    .command('verify')
    .argument('[portfolio]', 'its id; default all')
    .description(
      'check the chain of events from the first one on; exit code 1 where one was changed, cut or added',
    )
    .addHelpText('after', '\nExample:\n  ticklake audit verify --json')
    .action((id: string | undefined) => verify(context, id));
  audit
    .command('replay')
    .argument('<portfolio>', 'its id')
    .option('--to <n>', 'the last event that counts', positiveInteger)
    .option('--at <time>', 'those that happened up to this day or instant in UTC', instant)
    .description('balances, holdings and orders as they were after an event, from the events alone')
    .addHelpText('after', '\nExample:\n  ticklake audit replay 3f0c2a6e-… --to 12')
    .action((id: string, options: { to?: number; at?: Date }) => showReplay(context, id, options));
}

async function verify(context: CliContext, id: string | undefined): Promise<void> {
  const config = context.config();
  const logger = context.logger('audit', config);
  const verdicts = await withRuntime(
    config,
    'owner',
    'audit',
    logger,
    async ({ connection: { database } }) => {
      const { rows } = await database.query<{ id: string }>(
        'select portfolio_id as id from trading.heads where $1::uuid is null or portfolio_id = $1 order by 1',
        [id ?? null],
      );
      if (id !== undefined && rows.length === 0)
        throw new TicklakeError('NOT_FOUND', `there is no portfolio ${id}`, {
          remedy: 'Name one by its id.',
        });
      const found: Verdict[] = [];
      for (const row of rows) found.push(await verdictOf(database, row.id));
      return found;
    },
  );
  context.output.result(verdicts, () =>
    table(
      ['portfolio', 'events', 'ok', 'fault'],
      verdicts.map(({ portfolioId, events, ok, fault }) => [
        ...[portfolioId, String(events), ok ? 'yes' : 'no'],
        fault === null ? '' : `event ${fault?.number}: ${fault?.detail}`,
      ]),
    ),
  );
  const broken = verdicts.filter(({ ok }) => !ok);
  if (broken.length > 0)
    throw new TicklakeError('DATA_CORRUPT', `the events of ${broken.length} portfolios were changed`, {
      remedy: 'Halt trading, and compare with a backup from before: each fault names the first event.',
    });
}

async function verdictOf(database: Transaction, portfolioId: string): Promise<Verdict> {
  const stored = await readPortfolio(database, portfolioId);
  const known =
    stored === undefined
      ? []
      : [{ number: stored.portfolio.number, hash: stored.hash, source: 'the head in Postgres' }];
  const { events, hash, fault } = await verifyChain(portfolioId, storedEvents(database, portfolioId), known);
  return { portfolioId, events, hash: hash.toString('hex'), ok: fault === undefined, fault: fault ?? null };
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
