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
import { barred, refusal, weighed, type Answer } from './gate.ts';
import { truthOfOrders } from './orders/endpoints.ts';
import type { ExchangeOrders } from './orders/exchange-orders.ts';
import type { SignedServer } from './orders/serve.ts';
import { readJson } from './request-body.ts';
import type { Endpoint } from './rest.ts';
import type { WeightLimit } from './weight.ts';

export interface HandlerOptions {
  seed: number;
  endpoints: ReadonlyMap<string, Endpoint>;
  orders: ExchangeOrders;
  signed: SignedServer;
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

const base = 'http://simulator';

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
      .then(({ status, body, headers, delivery }) => {
        requests.inc({ status });
        if (delivery === 'cut') response.destroy();
        if (delivery !== undefined) return;
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
  if (url.pathname === '/simulator/orders') return { status: 200, body: truthOfOrders(options.orders) };
  const signed = options.signed(request, url);
  if (signed !== undefined) return signed;
  const endpoint = options.endpoints.get(url.pathname);
  if (endpoint === undefined)
    return { status: 404, body: { code: -1000, msg: `No such path: ${url.pathname}` } };
  if (request.method !== 'GET') throw new ApiError(-1000, 'Request method is not supported.', 405);
  const query = new Query(url.searchParams);
  return (
    barred(options.chronicle, options.faults) ??
    weighed(endpoint.weight(query), options.weight, () => ({ body: endpoint.answer(query) }))
  );
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
