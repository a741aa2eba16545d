import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Counter } from 'prom-client';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import { ApiError, Query } from './answer.ts';
import type { ArchiveFaults } from './archive/faults.ts';
import type { ArchiveFiles } from './archive/files.ts';
import { archivePrefix, serveArchive } from './archive/serve.ts';
import type { Chronicle } from './chronicle.ts';
import type { Faults } from './faults.ts';
import type { Endpoint } from './rest.ts';
import type { WeightLimit } from './weight.ts';

export interface HandlerOptions {
  seed: number;
  endpoints: ReadonlyMap<string, Endpoint>;
  weight: WeightLimit;
  faults: Faults;
  /** What `GET /simulator/state` and `GET /simulator/incidents` answer. */
  state: () => unknown;
  truth: () => unknown;
  chronicle: Chronicle;
  archive: { files: ArchiveFiles; faults: ArchiveFaults };
  requests: Counter<'status'>;
  logger: Logger;
}

interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
}

const base = 'http://simulator';
const maxBodyBytes = 64 * 1024;
/** Seconds that clients are told to wait by faults. */
const faultRetryAfterS = 1;

/** Answers HTTP requests: the exchange's endpoints, its bulk archive, and the simulator's own under `/simulator`. */
export function createHandler(options: HandlerOptions) {
  const { logger, requests, archive } = options;
  return (request: IncomingMessage, response: ServerResponse): void => {
    const path = request.url?.split('?')[0] ?? '/';
    if (path.startsWith(archivePrefix)) {
      serveArchive(archive.files, path, request, response).then(
        (status) => requests.inc({ status }),
        (error: unknown) => {
          logger.error({ error, path }, `the simulator failed to serve its archive: ${messageOf(error)}`);
          if (!response.headersSent) response.writeHead(500);
          response.end();
        },
      );
      return;
    }
    void respond(request, options)
      .catch((error: unknown): Answer => {
        if (error instanceof ApiError) return refusal(error);
        logger.error({ error, url: request.url }, `the simulator failed to answer: ${messageOf(error)}`);
        return {
          status: 500,
          body: { code: -1000, msg: 'An unknown error occurred while processing the request.' },
        };
      })
      .then(({ status, body, headers }) => {
        requests.inc({ status });
        response.writeHead(status, {
          'content-type': 'application/json;charset=UTF-8',
          'x-simulator': String(options.seed),
          ...headers,
        });
        response.end(JSON.stringify(body));
      });
  };
}

async function respond(request: IncomingMessage, options: HandlerOptions): Promise<Answer> {
  const target = request.url ?? '/';
  if (!URL.canParse(target, base)) throw new ApiError(-1100, 'Illegal request target.');
  const url = new URL(target, base);
  if (url.pathname === '/simulator/state') return { status: 200, body: options.state() };
  if (url.pathname === '/simulator/faults') return setFaults(request, options.faults);
  if (url.pathname === '/simulator/archive') return archiveFaults(request, options.archive.faults);
  if (url.pathname === '/simulator/incidents') return incidents(request, options);
  const endpoint = options.endpoints.get(url.pathname);
  if (endpoint === undefined)
    return { status: 404, body: { code: -1000, msg: `No such path: ${url.pathname}` } };
  if (request.method !== 'GET') throw new ApiError(-1000, 'Request method is not supported.', 405);
  return (
    down(options.chronicle) ??
    struck(options.faults) ??
    weighed(endpoint, new Query(url.searchParams), options.weight)
  );
}

function weighed(endpoint: Endpoint, query: Query, weight: WeightLimit): Answer {
  const verdict = weight.take(endpoint.weight(query), Date.now());
  const used = { 'x-mbx-used-weight': String(verdict.used), 'x-mbx-used-weight-1m': String(verdict.used) };
  if (verdict.kind === 'ok') {
    try {
      return { status: 200, body: endpoint.answer(query), headers: used };
    } catch (error) {
      if (error instanceof ApiError) return { ...refusal(error), headers: used };
      throw error;
    }
  }
  const headers = { ...used, 'retry-after': String(verdict.retryAfterS) };
  if (verdict.kind === 'wait') {
    const msg = `Too much request weight used; current limit is ${weight.limit} request weight per 1 MINUTE.`;
    return { status: 429, body: { code: -1003, msg }, headers };
  }
  const msg = `Way too much request weight used; IP banned until ${verdict.untilMs}.`;
  return { status: 418, body: { code: -1003, msg }, headers };
}

/** While the exchange stands still it answers nothing else. */
function down(chronicle: Chronicle): Answer | undefined {
  if (!chronicle.isDown) return undefined;
  return { status: 503, body: { code: -1016, msg: 'This service is no longer available.' } };
}

function struck(faults: Faults): Answer | undefined {
  const headers = { 'retry-after': String(faultRetryAfterS) };
  if (faults.strike('418')) {
    return { status: 418, body: { code: -1003, msg: 'Way too many requests; IP banned.' }, headers };
  }
  if (faults.strike('429')) return { status: 429, body: { code: -1003, msg: 'Too many requests.' }, headers };
  if (faults.strike('5xx')) {
    return { status: 503, body: { code: -1001, msg: 'Internal error; unable to process your request.' } };
  }
  return undefined;
}

async function setFaults(request: IncomingMessage, faults: Faults): Promise<Answer> {
  if (request.method === 'DELETE') {
    faults.clear();
    return { status: 200, body: { active: [] } };
  }
  if (request.method !== 'POST')
    throw new ApiError(-1000, 'Give a fault by POST, or end all by DELETE.', 405);
  const added = faults.add(await readJson(request));
  if (typeof added === 'string') throw new ApiError(-1100, added);
  return { status: 200, body: { active: faults.active } };
}

/** GET tells the truth about what befell the markets and will; POST adds to the future. */
async function incidents(request: IncomingMessage, { chronicle, truth }: HandlerOptions): Promise<Answer> {
  if (request.method === 'GET') return { status: 200, body: truth() };
  if (request.method !== 'POST') throw new ApiError(-1000, 'Read by GET, add by POST.', 405);
  const added = chronicle.add(await readJson(request));
  if (typeof added === 'string') throw new ApiError(-1100, added);
  return { status: 200, body: truth() };
}

/** What is wrong with the archive, and more of it. */
async function archiveFaults(request: IncomingMessage, faults: ArchiveFaults): Promise<Answer> {
  if (request.method === 'DELETE') faults.clear();
  else if (request.method === 'POST') {
    const added = faults.add(await readJson(request));
    if (typeof added === 'string') throw new ApiError(-1100, added);
  } else if (request.method !== 'GET') {
    throw new ApiError(-1000, 'Read by GET, add by POST, mend all by DELETE.', 405);
  }
  return { status: 200, body: { faults: faults.all } };
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBodyBytes) throw new ApiError(-1100, 'The body is too long.', 413);
    parts.push(part);
  }
  try {
    return JSON.parse(Buffer.concat(parts).toString());
  } catch {
    throw new ApiError(-1100, 'The body is not JSON.');
  }
}

function refusal(error: ApiError): Answer {
  return { status: error.status, body: { code: error.code, msg: error.message } };
}
