import { createWriteStream } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { openPromise, type Entry, type ZipFile } from 'yauzl';
import { isTicklakeError, messageOf, toTicklakeError } from '#core/platform/errors.ts';
import { CsvScan, type CsvFacts } from './csv.ts';
import { damaged } from './damage.ts';
import type { ArchiveKind } from './layout.ts';

const carriageReturn = 13;

export interface ExtractOptions {
  kind: ArchiveKind;
  zipPath: string;
  /** How errors name the zip. */
  place: string;
  /** Where the CSV goes; it appears there whole or not at all. */
  csvPath: string;
  maxCsvBytes: number;
  signal?: AbortSignal | undefined;
}

/**
 * Streams the one CSV file of a zip to disk, looking at it on the way. Throws DATA_CORRUPT with what is wrong (see
 * {@link damaged}) and the entry or line, DISK_FULL, and the signal's reason.
 */
export async function extractCsv(options: ExtractOptions): Promise<CsvFacts> {
  const { kind, csvPath, maxCsvBytes, signal } = options;
  const zip = await openZip(options);
  const part = `${csvPath}.part`;
  try {
    const entry = await onlyEntry(zip, options);
    const place = `${options.place}/${entry.fileName}`;
    if (entry.uncompressedSize > maxCsvBytes) {
      throw damaged('too-large', place, `has ${entry.uncompressedSize} bytes, allowed are ${maxCsvBytes}`);
    }
    const scan = new CsvScan(kind, place);
    const source = await zip.openReadStreamPromise(entry);
    await pipeline(source, through(scan), createWriteStream(part), signal === undefined ? {} : { signal });
    const facts = scan.end();
    await rename(part, csvPath);
    return facts;
  } catch (error) {
    await rm(part, { force: true });
    signal?.throwIfAborted();
    throw readable(error, options.place);
  } finally {
    zip.close();
  }
}

async function openZip({ zipPath, place }: ExtractOptions): Promise<ZipFile> {
  try {
    return await openPromise(zipPath, { autoClose: false });
  } catch (error) {
    const start = await firstBytes(zipPath);
    if (start.length === 0) throw damaged('zip-truncated', place, 'is an empty file', { cause: error });
    if (start.toString('latin1', 0, 2) !== 'PK') {
      throw damaged('not-a-zip', place, `is no zip file; it begins with ${quoted(start)}`, { cause: error });
    }
    throw damaged('zip-truncated', place, `the zip ends too early: ${messageOf(error)}`, { cause: error });
  }
}

async function onlyEntry(zip: ZipFile, { place }: ExtractOptions): Promise<Entry> {
  const names: string[] = [];
  let found: Entry | undefined;
  for await (const entry of zip.eachEntry()) {
    names.push(entry.fileName);
    found ??= entry;
    if (names.length > 1) break;
  }
  if (found === undefined) throw damaged('zip-entries', place, 'the zip holds no file');
  if (names.length > 1 || zip.entryCount > 1) {
    const listed = names.join(', ');
    throw damaged('zip-entries', place, `the zip holds ${zip.entryCount} files (${listed}, …), not one`);
  }
  if (!found.fileName.toLowerCase().endsWith('.csv') || found.isEncrypted() || !found.canDecodeFileData()) {
    throw damaged('zip-entries', `${place}/${found.fileName}`, 'is no plain CSV file');
  }
  return found;
}

function through(scan: CsvScan): Transform {
  return new Transform({
    transform(chunk: Buffer, _encoding, callback: TransformCallback) {
      try {
        const lines = withoutCarriageReturns(chunk);
        scan.push(lines);
        callback(null, lines);
      } catch (error) {
        callback(error instanceof Error ? error : new Error(String(error)));
      }
    },
  });
}

/** Readers take files with one kind of line end together. */
function withoutCarriageReturns(chunk: Buffer): Buffer {
  return chunk.includes(carriageReturn)
    ? Buffer.from(chunk.filter((byte) => byte !== carriageReturn))
    : chunk;
}

/** What yauzl and zlib say of broken bytes, as damage; failures of the disk keep their own name. */
function readable(error: unknown, place: string): Error {
  const known = toTicklakeError(error);
  if (!isTicklakeError(known, 'INTERNAL')) return known;
  const isSystem = error instanceof Error && 'syscall' in error;
  return isSystem ? known : damaged('zip-unreadable', place, messageOf(error), { cause: error });
}

async function firstBytes(file: string): Promise<Buffer> {
  const handle = await open(file, 'r');
  try {
    const { buffer, bytesRead } = await handle.read({ buffer: Buffer.alloc(16), position: 0 });
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}

function quoted(bytes: Buffer): string {
  return JSON.stringify(bytes.toString('latin1'));
}
