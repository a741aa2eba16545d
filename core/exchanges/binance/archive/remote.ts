import { createHash, randomUUID } from 'node:crypto';
import { createWriteStream } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { Transform, type TransformCallback } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BulkheadRejectedError, ExponentialBackoff, bulkhead, handleWhen, retry } from 'cockatiel';
import type { Counter } from 'prom-client';
import { isTicklakeError, messageOf, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { maxChecksumBytes } from './checksum.ts';
import { absent, damaged } from './damage.ts';
import type { ArchiveFile } from './layout.ts';
import type { ArchiveStore, HeldZip } from './store.ts';

export interface RemoteOptions {
  /** `https://data.binance.vision`: `data/spot` lies under it. */
  baseUrl: string;
  maxZipBytes: number;
  /** Longest time without a byte. */
  idleMs?: number;
  /** Attempts after the first one. */
  maxRetries?: number;
  /** First pause between attempts; it doubles. */
  retryDelayMs?: number;
  requests: Counter<'status'>;
  retries: Counter;
}

const maxInFlight = 8;
const maxQueued = 10_000;
const maxPauseMs = 20_000;

/** An archive behind HTTP, as the exchange publishes it: files have fixed names, and what is not there answers 404. */
export function openRemote(options: RemoteOptions): ArchiveStore {
  const base = options.baseUrl.replace(/\/+$/, '');
  const urlOf = (file: ArchiveFile, suffix = '') => `${base}/${file.path}${suffix}`;
  const queue = bulkhead(maxInFlight, maxQueued);
  const retries = retry(
    handleWhen((error) => isTicklakeError(error, 'EXCHANGE_UNREACHABLE')),
    {
      maxAttempts: options.maxRetries ?? 4,
      backoff: new ExponentialBackoff({ initialDelay: options.retryDelayMs ?? 500, maxDelay: maxPauseMs }),
    },
  );
  retries.onRetry(() => options.retries.inc());

  /** One request, again where the network or the server failed; undefined for 404. */
  async function request<T>(
    method: 'GET' | 'HEAD',
    url: string,
    signal: AbortSignal | undefined,
    read: (response: Response, watch: IdleWatch) => Promise<T>,
  ): Promise<T | undefined> {
    const attempt = async (): Promise<T | undefined> => {
      const watch = new IdleWatch(options.idleMs ?? 30_000, signal);
      try {
        const response = await fetch(url, { method, signal: watch.signal });
        options.requests.inc({ status: response.status });
        if (response.ok) return await read(response, watch);
        await response.body?.cancel();
        if (response.status === 404) return undefined;
        throw statusError(url, response.status);
      } catch (error) {
        signal?.throwIfAborted();
        if (error instanceof TicklakeError) throw error;
        const known = toTicklakeError(error);
        if (isTicklakeError(known, 'DISK_FULL')) throw known;
        throw unreachable(url, reasonOf(watch.signal.aborted ? watch.signal.reason : error), error);
      } finally {
        watch.stop();
      }
    };
    return await queue
      .execute(() => retries.execute(attempt))
      .catch((error: unknown) => {
        throw error instanceof BulkheadRejectedError ? overloaded(error) : error;
      });
  }

  return {
    place: base,
    series() {
      return Promise.reject(
        new TicklakeError('BAD_REQUEST', `${base} does not list what it holds`, {
          remedy: 'Name the markets, or use a folder with a copy of the archive.',
        }),
      );
    },
    extent: () => Promise.resolve(undefined),
    async exists(file, signal) {
      return (await request('HEAD', urlOf(file), signal, () => Promise.resolve(true))) ?? false;
    },
    async checksum(file, signal) {
      const url = urlOf(file, '.CHECKSUM');
      const text = await request('GET', url, signal, (response, watch) => textOf(response, url, watch));
      if (text !== undefined) return text;
      const isThere = await request('HEAD', urlOf(file), signal, () => Promise.resolve(true));
      throw isThere === true ? damaged('checksum-missing', url, 'answers 404') : absent(urlOf(file));
    },
    async zip(file, folder, signal): Promise<HeldZip> {
      const url = urlOf(file);
      const path = join(folder, `${file.name}.${randomUUID()}.part`);
      const save = async (response: Response, watch: IdleWatch): Promise<HeldZip> => {
        const hash = createHash('sha256');
        let bytes = 0;
        const tap = new Transform({
          transform(chunk: Buffer, _encoding, callback: TransformCallback) {
            watch.touch();
            bytes += chunk.length;
            hash.update(chunk);
            const excess = bytes > options.maxZipBytes;
            callback(excess ? tooLarge(url, options.maxZipBytes) : null, chunk);
          },
        });
        await pipeline(response.body ?? [], tap, createWriteStream(path), { signal: watch.signal });
        return { path, sha256: hash.digest('hex'), bytes, isTemporary: true };
      };
      try {
        const held = await request('GET', url, signal, save);
        if (held === undefined) throw absent(url);
        return held;
      } catch (error) {
        await rm(path, { force: true });
        throw error;
      }
    },
  };
}

/** Aborts when nothing came for so long, or with the caller's signal. */
class IdleWatch {
  readonly #controller = new AbortController();
  readonly #caller: AbortSignal | undefined;
  readonly #timer: NodeJS.Timeout;
  readonly #abort: () => void;

  constructor(idleMs: number, caller: AbortSignal | undefined) {
    this.#caller = caller;
    this.#abort = () => this.#controller.abort(caller?.reason);
    this.#timer = setTimeout(() => {
      this.#controller.abort(new Error(`nothing came for ${idleMs} ms`));
    }, idleMs);
    if (caller?.aborted === true) this.#abort();
    caller?.addEventListener('abort', this.#abort, { once: true });
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  touch(): void {
    this.#timer.refresh();
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#caller?.removeEventListener('abort', this.#abort);
  }
}

async function textOf(response: Response, url: string, watch: IdleWatch): Promise<string> {
  const parts: Uint8Array[] = [];
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    watch.touch();
    bytes += chunk.length;
    if (bytes > maxChecksumBytes) {
      throw damaged('checksum-format', url, `is longer than ${maxChecksumBytes} bytes, not one line`);
    }
    parts.push(chunk);
  }
  return Buffer.concat(parts).toString();
}

function statusError(url: string, status: number): TicklakeError {
  if (status >= 500 || status === 429) return unreachable(url, `it answered ${status}`);
  return new TicklakeError('EXCHANGE_REFUSED', `GET ${url} answered ${status}`, {
    remedy: 'Check the address of the archive; 403 and 451 mean that this address is not served.',
    context: { status },
  });
}

function unreachable(url: string, what: string, cause?: unknown): TicklakeError {
  return new TicklakeError('EXCHANGE_UNREACHABLE', `${url} could not be fetched: ${what}`, {
    remedy: 'Check the network; the request can be sent again.',
    ...(cause === undefined ? {} : { cause }),
  });
}

function overloaded(cause: BulkheadRejectedError): TicklakeError {
  return new TicklakeError('OVERLOADED', 'too many requests to the bulk archive are waiting', {
    remedy: 'Ask for a shorter span at a time.',
    cause,
  });
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
}

function tooLarge(url: string, bound: number): TicklakeError {
  return damaged('too-large', url, `is larger than ${bound} bytes`);
}
