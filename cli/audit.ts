import { createPublicKey } from 'node:crypto';
import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { auditPlaces } from '#core/trading/audit-places.ts';
import { verifyChain, type ChainReport, type KnownLink } from '#core/trading/audit.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { figuresOf } from '#core/trading/reconcile.ts';
import { replay, storedEvents } from '#core/trading/replay.ts';
import { openAuditKey, readSignedHeads } from '#core/trading/signed-heads.ts';
import type { CliContext } from './context.ts';
import { instant, positiveInteger } from './options.ts';
import { table } from './output.ts';
import { withRuntime } from './runtime.ts';

interface Verdict {
  portfolioId: string;
  events: number;
  /** The last event that a signed head knows. */
  signedTo: number | null;
  hash: string;
  ok: boolean;
  fault: NonNullable<ChainReport['fault']> | null;
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
  const signed = await signedHeads(config.dataDir);
  const verdicts = await withRuntime(
    config,
    'owner',
    'audit',
    logger,
    async ({ connection: { database } }) => {
      const { rows } = await database.query<{ id: string }>('select portfolio_id as id from trading.heads');
      const ids = new Set([...rows.map((row) => row.id), ...signed.keys()]);
      if (id !== undefined && !ids.has(id))
        throw new TicklakeError('NOT_FOUND', `there is no portfolio ${id}`, {
          remedy: 'Name one by its id.',
        });
      const found: Verdict[] = [];
      for (const each of id === undefined ? [...ids].toSorted() : [id])
        found.push(await verdictOf(database, each, signed.get(each) ?? []));
      return found;
    },
  );
  context.output.result(verdicts, () =>
    table(
      ['portfolio', 'events', 'signed', 'ok', 'fault'],
      verdicts.map(({ portfolioId, events, signedTo, ok, fault }) => [
        ...[portfolioId, String(events), signedTo === null ? '' : String(signedTo), ok ? 'yes' : 'no'],
        fault === null ? '' : `event ${fault.number}: ${fault.detail}`,
      ]),
    ),
  );
  const broken = verdicts.filter(({ ok }) => !ok);
  if (broken.length > 0)
    throw new TicklakeError('DATA_CORRUPT', `the events of ${broken.length} portfolios were changed`, {
      remedy: 'Halt trading, and compare with a backup from before: each fault names the first event.',
    });
}

/** What the trader of this data dir has signed; a database that is shared may have been signed elsewhere, too. */
async function signedHeads(dataDir: string): Promise<Map<string, KnownLink[]>> {
  const { keyFile, headsDir } = auditPlaces(dataDir);
  if (!existsSync(headsDir)) return new Map();
  return await readSignedHeads(headsDir, createPublicKey(await openAuditKey(keyFile)));
}

async function verdictOf(
  database: Transaction,
  portfolioId: string,
  signed: readonly KnownLink[],
): Promise<Verdict> {
  const stored = await readPortfolio(database, portfolioId);
  const known = [...signed];
  if (stored !== undefined)
    known.push({ number: stored.portfolio.number, hash: stored.hash, source: 'the head in Postgres' });
  const {
    events,
    hash,
    fault = null,
  } = await verifyChain(portfolioId, storedEvents(database, portfolioId), known);
  const signedTo = signed.length === 0 ? null : Math.max(...signed.map(({ number }) => number));
  return { portfolioId, events, signedTo, hash: hash.toString('hex'), ok: fault === null, fault };
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
