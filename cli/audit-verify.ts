import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Config } from '#core/platform/config.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { exportEvents, verifyFile } from '#core/trading/audit-file.ts';
import { auditPlaces } from '#core/trading/audit-places.ts';
import { verifyChain, type ChainReport, type KnownLink } from '#core/trading/audit.ts';
import { readPortfolio } from '#core/trading/read.ts';
import { storedEvents } from '#core/trading/replay.ts';
import { readAuditKey, readSignedHeads } from '#core/trading/signed-heads.ts';
import type { CliContext } from './context.ts';
import { instant } from './options.ts';
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

interface VerifyOptions {
  from?: string;
  heads?: string;
  key?: string;
  until?: Date;
}

type SignedHeads = ReadonlyMap<string, readonly KnownLink[]>;

/** `ticklake audit verify` and `export`: the chains of events, where they are stored or in a file. */
export function registerAuditVerify(audit: Command, context: CliContext): void {
  audit
    .command('verify')
    .argument('[portfolio]', 'its id; default all')
    .option('--from <file>', 'the events of this file, that audit export wrote; no Postgres is needed')
    .option(
      '--heads <dir>',
      'the heads that the trader signed; default those of the data dir, if there are any',
    )
    .option(
      '--key <file>',
      'the key that they were signed with, or its public half, in PEM; default that of the data dir',
    )
    .option('--until <time>', 'only heads signed up to this instant in UTC, as of which the file is', instant)
    .description(
      'check the chain of events from the first one on; exit code 1 where one was changed, cut or added',
    )
    .addHelpText(
      'after',
      '\nExamples:\n  ticklake audit verify --json\n' +
        '  ticklake audit verify --from events.jsonl --heads copy/heads --key audit-public.pem',
    )
    .action((id: string | undefined, options: VerifyOptions) => verify(context, id, options));
  audit
    .command('export')
    .argument('[portfolio]', 'its id; default all')
    .requiredOption('--to <file>', 'the file; one that is there is replaced')
    .description('write the events as they are stored, as JSON lines, to keep and to verify elsewhere')
    .addHelpText('after', '\nExample:\n  ticklake audit export --to events.jsonl')
    .action((id: string | undefined, { to }: { to: string }) => writeEvents(context, id, to));
}

async function verify(context: CliContext, id: string | undefined, options: VerifyOptions): Promise<void> {
  const config = context.config();
  const { from } = options;
  const signed = await signedHeads(context, config, options);
  const verdicts =
    from === undefined
      ? await verifyStored(context, config, signed, id)
      : await verifyCopy(resolve(context.io.cwd, from), signed, id);
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

async function verifyStored(
  context: CliContext,
  config: Config,
  signed: SignedHeads,
  id: string | undefined,
): Promise<Verdict[]> {
  const logger = context.logger('audit', config);
  return await withRuntime(config, 'owner', 'audit', logger, async ({ connection: { database } }) => {
    const ids = new Set([...(await storedIds(database)), ...signed.keys()]);
    const found: Verdict[] = [];
    for (const each of chosen(ids, id)) {
      const known = [...(signed.get(each) ?? [])];
      const stored = await readPortfolio(database, each);
      if (stored !== undefined)
        known.push({ number: stored.portfolio.number, hash: stored.hash, source: 'the head in Postgres' });
      found.push(verdictOf(await verifyChain(each, storedEvents(database, each), known), signed));
    }
    return found;
  });
}

async function verifyCopy(path: string, signed: SignedHeads, id: string | undefined): Promise<Verdict[]> {
  const found: Verdict[] = [];
  for await (const report of verifyFile(path, signed, id)) found.push(verdictOf(report, signed));
  if (id !== undefined && found.every(({ events, fault }) => events === 0 && fault === null))
    throw unknown(id);
  if (found.length === 0)
    throw new TicklakeError('NOT_FOUND', `there are no events in ${path}`, {
      remedy: 'Write it with ticklake audit export --to FILE.',
    });
  return found;
}

async function writeEvents(context: CliContext, id: string | undefined, to: string): Promise<void> {
  const config = context.config();
  const logger = context.logger('audit', config);
  const file = resolve(context.io.cwd, to);
  const asOf = new Date().toISOString();
  const written = await withRuntime(
    config,
    'owner',
    'audit',
    logger,
    async ({ connection: { database } }) => {
      const ids = chosen(new Set(await storedIds(database)), id);
      return { file, asOf, portfolios: ids.length, events: await exportEvents(database, ids, file) };
    },
  );
  context.output.result(written, () =>
    table(['file', 'as of', 'portfolios', 'events'], [[file, asOf, written.portfolios, written.events]]),
  );
}

/** What a trader has signed; a database that is shared may have been signed elsewhere, too. */
async function signedHeads(
  { io }: CliContext,
  { dataDir }: Config,
  { heads, key, until }: VerifyOptions,
): Promise<SignedHeads> {
  const places = auditPlaces(dataDir);
  const headsDir = heads === undefined ? places.headsDir : resolve(io.cwd, heads);
  const keyFile = key === undefined ? places.keyFile : resolve(io.cwd, key);
  if (!existsSync(headsDir)) {
    if (heads === undefined) return new Map();
    throw new TicklakeError('NOT_FOUND', `there is no folder ${headsDir}`, {
      remedy: 'Name the folder audit/heads of the data dir of a trader, or a copy of it.',
    });
  }
  return await readSignedHeads(headsDir, await readAuditKey(keyFile), until && until.getTime() * 1_000);
}

function verdictOf({ portfolioId, events, hash, fault }: ChainReport, signed: SignedHeads): Verdict {
  const numbers = (signed.get(portfolioId) ?? []).map(({ number }) => number);
  const signedTo = numbers.length === 0 ? null : numbers.reduce((a, b) => Math.max(a, b));
  return {
    portfolioId,
    events,
    signedTo,
    hash: hash.toString('hex'),
    ok: fault === undefined,
    fault: fault ?? null,
  };
}

async function storedIds(database: Transaction): Promise<string[]> {
  const { rows } = await database.query<{ id: string }>('select portfolio_id as id from trading.heads');
  return rows.map(({ id }) => id);
}

function chosen(ids: ReadonlySet<string>, id: string | undefined): string[] {
  if (id === undefined) return [...ids].toSorted();
  if (!ids.has(id)) throw unknown(id);
  return [id];
}

function unknown(id: string): TicklakeError {
  return new TicklakeError('NOT_FOUND', `there is no portfolio ${id}`, { remedy: 'Name one by its id.' });
}
