import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { randomUUID } from 'node:crypto';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Metrics } from '#core/platform/metrics.ts';
import { parseChecksum } from './checksum.ts';
import type { CsvFacts } from './csv.ts';
import { damaged } from './damage.ts';
import { openFolder } from './folder.ts';
import type { ArchiveFile, ArchiveSeries, Granularity } from './layout.ts';
import { openRemote, type RemoteOptions } from './remote.ts';
import { filesCovering } from './select.ts';
import type { ArchiveStore, HeldZip, Span } from './store.ts';
import { extractCsv } from './unzip.ts';

export interface OpenArchiveOptions {
  /** A folder that holds `data/spot`, or a URL under which it lies. */
  location: string;
  metrics: Metrics;
  /** Largest zip and largest CSV that are taken; defaults 8 GiB and 64 GiB. */
  maxZipBytes?: number;
  maxCsvBytes?: number;
  http?: Partial<Pick<RemoteOptions, 'idleMs' | 'maxRetries' | 'retryDelayMs'>>;
}

export interface ListRequest extends ArchiveSeries {
  /** Needed where the place cannot list (HTTP); a folder's default is all it holds. */
  fromUs?: number;
  toUs?: number;
  /** Only files of this granularity; default is the fewest files that cover the span. */
  granularity?: Granularity;
}

/** A file of the archive, verified and unpacked: plain CSV that SQL can read. */
export interface FetchedArchive extends ArchiveFile, CsvFacts {
  csvPath: string;
  /** Of the zip, as published. */
  sha256: string;
  zipBytes: number;
  /** Removes the CSV. */
  remove(): Promise<void>;
}

/** The exchange's bulk archive: trades and bars of whole UTC days and months, far cheaper than REST. */
export interface Archive {
  readonly place: string;
  /** The series held; only a folder can tell, otherwise BAD_REQUEST. */
  series(): Promise<ArchiveSeries[]>;
  /** The files that exist and cover a span; see {@link filesCovering}. Throws BAD_REQUEST, EXCHANGE_UNREACHABLE. */
  list(request: ListRequest, signal?: AbortSignal): Promise<ArchiveFile[]>;
  /** SHA-256 that the archive publishes for a file at present. Throws NOT_FOUND, DATA_CORRUPT, EXCHANGE_UNREACHABLE. */
  publishedSha256(file: ArchiveFile, signal?: AbortSignal): Promise<string>;
  /**
   * Fetches a file, proves it by its checksum, and unpacks its CSV into `folder`. Nothing is left there when it throws:
   * NOT_FOUND (the archive has no such file), DATA_CORRUPT (`context.damage` says what is wrong, the message where),
   * EXCHANGE_UNREACHABLE, DISK_FULL.
   */
  fetch(file: ArchiveFile, folder: string, signal?: AbortSignal): Promise<FetchedArchive>;
}

const gibibyte = 1024 ** 3;
/** Zip and checksum are two requests: between them the archive may replace both. */
const fetchesMax = 2;

/** Opens an archive in a folder or behind HTTP. Throws NOT_FOUND where the folder holds none. */
export async function openArchive(options: OpenArchiveOptions): Promise<Archive> {
  const { location, metrics, maxZipBytes = 8 * gibibyte, maxCsvBytes = 64 * gibibyte } = options;
  const meters = createMeters(metrics);
  const isRemote = /^https?:\/\//.test(location);
  const store: ArchiveStore = isRemote
    ? openRemote({ baseUrl: location, maxZipBytes, ...meters, ...options.http })
    : await openFolder(location, maxZipBytes);

  async function publishedSha256(file: ArchiveFile, signal?: AbortSignal): Promise<string> {
    const place = `${store.place}/${file.path}.CHECKSUM`;
    return parseChecksum(await store.checksum(file, signal), file.name, place);
  }

  async function provenZip(file: ArchiveFile, folder: string, signal?: AbortSignal): Promise<HeldZip> {
    for (let fetches = 1; ; fetches++) {
      const published = await publishedSha256(file, signal);
      const zip = await store.zip(file, folder, signal);
      if (zip.sha256 === published) return zip;
      await discard(zip);
      if (isRemote && fetches < fetchesMax) continue;
      const place = `${store.place}/${file.path}`;
      throw damaged('checksum-mismatch', place, `hashes to ${zip.sha256}, its .CHECKSUM says ${published}`);
    }
  }

  return {
    place: store.place,
    series: () => store.series(),
    async list(request, signal) {
      const { kind, symbol, interval, granularity } = request;
      if (kind === 'klines' && interval === undefined) {
        throw new TicklakeError('BAD_REQUEST', 'klines of an archive need an interval', {
          remedy: 'Name one, such as 1m.',
        });
      }
      const series = { kind, symbol, ...(interval === undefined ? {} : { interval }) };
      const span = await spanOf(store, series, request);
      if (span === undefined) return [];
      return await filesCovering(series, span, (file) => store.exists(file, signal), granularity);
    },
    publishedSha256,
    async fetch(file, folder, signal) {
      const zip = await provenZip(file, folder, signal).catch((error: unknown) => {
        signal?.throwIfAborted();
        meters.files.inc({ kind: file.kind, outcome: 'refused' });
        throw error;
      });
      const csvPath = join(folder, `${file.name.slice(0, -'.zip'.length)}.${randomUUID()}.csv`);
      const place = `${store.place}/${file.path}`;
      try {
        const { kind } = file;
        const facts = await extractCsv({ kind, zipPath: zip.path, place, csvPath, maxCsvBytes, signal });
        meters.files.inc({ kind, outcome: 'taken' });
        meters.rows.inc({ kind }, facts.rows);
        return {
          ...{ ...file, ...facts, csvPath, sha256: zip.sha256, zipBytes: zip.bytes },
          remove: () => rm(csvPath, { force: true }),
        };
      } catch (error) {
        meters.files.inc({ kind: file.kind, outcome: 'refused' });
        throw error;
      } finally {
        await discard(zip);
      }
    },
  };
}

async function spanOf(
  store: ArchiveStore,
  series: ArchiveSeries,
  { fromUs, toUs }: ListRequest,
): Promise<Span | undefined> {
  if (fromUs !== undefined && toUs !== undefined) return { fromUs, toUs };
  const extent = await store.extent(series);
  if (extent !== undefined) return { fromUs: fromUs ?? extent.fromUs, toUs: toUs ?? extent.toUs };
  if (!/^https?:\/\//.test(store.place)) return undefined;
  throw new TicklakeError('BAD_REQUEST', `${store.place} does not say which time it spans`, {
    remedy: 'Give begin and end of the time that is wanted.',
  });
}

async function discard(zip: HeldZip): Promise<void> {
  if (zip.isTemporary) await rm(zip.path, { force: true });
}

function createMeters(metrics: Metrics) {
  const name = (rest: string) => `ticklake_archive_${rest}`;
  return {
    requests: metrics.counter(name('requests_total'), 'HTTP answers of the bulk archive, by status.', [
      'status',
    ]),
    retries: metrics.counter(name('retries_total'), 'Requests to the bulk archive sent again.'),
    files: metrics.counter(name('files_total'), 'Files of the bulk archive, taken or refused.', [
      ...(['kind', 'outcome'] as const),
    ]),
    rows: metrics.counter(name('rows_total'), 'Rows in the files taken.', ['kind']),
  };
}
