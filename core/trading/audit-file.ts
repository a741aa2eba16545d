import { createReadStream, createWriteStream } from 'node:fs';
import { rename, rm } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { pipeline } from 'node:stream/promises';
import { isMissingFile, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { verifyChain, type ChainReport, type KnownLink } from './audit.ts';
import { genesis, type StoredEvent } from './codec.ts';
import { storedEvents } from './replay.ts';

/** An event in a file, one a line: its text exactly as it is stored, and its hash in hex. */
interface AuditLine {
  portfolioId: string;
  number: number;
  text: string;
  hash: string;
}

const hashHex = /^[0-9a-f]{64}$/;

/**
 * Writes the events of portfolios into a file of JSON lines, one portfolio after the other, each from its first event on.
 * The file is there whole or not at all; a page of events is in memory at a time. Answers how many there are.
 * @throws DISK_FULL, DATABASE_UNREACHABLE; NOT_FOUND where there is no such folder
 */
export async function exportEvents(
  db: Pick<Transaction, 'query'>,
  portfolioIds: Iterable<string>,
  path: string,
): Promise<number> {
  const draft = `${path}.part`;
  let count = 0;
  async function* lines(): AsyncGenerator<string> {
    for (const portfolioId of portfolioIds)
      for await (const { number, text, hash } of storedEvents(db, portfolioId)) {
        count += 1;
        const line: AuditLine = { portfolioId, number, text, hash: hash.toString('hex') };
        yield `${JSON.stringify(line)}\n`;
      }
  }
  try {
    await pipeline(lines, createWriteStream(draft, { mode: 0o600, flush: true }));
    await rename(draft, path);
  } catch (error) {
    throw isMissingFile(error)
      ? notFound(`no folder for ${path}`, 'Make it, or name another one.', error)
      : toTicklakeError(error);
  } finally {
    await rm(draft, { force: true });
  }
  return count;
}

/**
 * Verifies a file that {@link exportEvents} wrote, with nothing but it and the links that are known: see
 * {@link verifyChain}. What is known of a portfolio that the file has no events of is a fault, too.
 * @param only one portfolio's id; default all
 * @throws NOT_FOUND where there is no such file, DATA_CORRUPT for a line that is none of an event
 */
export async function* verifyFile(
  path: string,
  known: ReadonlyMap<string, readonly KnownLink[]>,
  only?: string,
): AsyncGenerator<ChainReport> {
  const lines = fileEvents(path);
  const seen = new Set<string>();
  let next = await lines.next();
  while (next.done !== true) {
    const { portfolioId, number } = next.value;
    const isMeant = only === undefined || only === portfolioId;
    if (isMeant && !seen.has(portfolioId))
      yield await verifyChain(portfolioId, own(portfolioId), known.get(portfolioId));
    else if (isMeant) yield apart(portfolioId, number);
    seen.add(portfolioId);
    // What comes after a fault, or of others.
    while (next.done !== true && next.value.portfolioId === portfolioId) next = await lines.next();
  }
  const wanted = only === undefined ? known.keys() : [only];
  for (const portfolioId of wanted)
    if (!seen.has(portfolioId)) yield await verifyChain(portfolioId, [], known.get(portfolioId));

  async function* own(portfolioId: string): AsyncGenerator<StoredEvent> {
    while (next.done !== true && next.value.portfolioId === portfolioId) {
      yield next.value;
      next = await lines.next();
    }
  }
}

async function* fileEvents(path: string): AsyncGenerator<StoredEvent> {
  const input = createReadStream(path);
  let count = 0;
  try {
    for await (const line of createInterface({ input, crlfDelay: Infinity })) {
      count += 1;
      yield parseLine(line, `line ${count} of ${path}`);
    }
  } catch (error) {
    if (!isMissingFile(error)) throw error;
    throw notFound(`no file ${path}`, 'Write it with ticklake audit export --to FILE.', error);
  } finally {
    input.destroy();
  }
}

function parseLine(text: string, place: string): StoredEvent {
  const line = fieldsOf(text);
  const { portfolioId, number, text: event, hash } = line;
  if (
    typeof portfolioId !== 'string' ||
    typeof number !== 'number' ||
    typeof event !== 'string' ||
    typeof hash !== 'string' ||
    !hashHex.test(hash)
  )
    throw new TicklakeError('DATA_CORRUPT', `${place} is not that of an event`, {
      remedy: 'The file was cut or edited: export the events again, or take another copy.',
    });
  return { portfolioId, number, text: event, hash: Buffer.from(hash, 'hex') };
}

function fieldsOf(text: string): Partial<Record<keyof AuditLine, unknown>> {
  try {
    return { ...(JSON.parse(text) as object) };
  } catch {
    return {};
  }
}

function apart(portfolioId: string, number: number): ChainReport {
  const detail = 'events of the portfolio stand in two places of the file';
  return { portfolioId, events: 0, hash: genesis, fault: { number, detail } };
}

function notFound(what: string, remedy: string, cause: unknown): TicklakeError {
  return new TicklakeError('NOT_FOUND', `there is ${what}`, { remedy, cause });
}
