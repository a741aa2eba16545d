import type { IncomingMessage, ServerResponse } from 'node:http';
import { pipeline } from 'node:stream/promises';
import { parsePath } from '#core/exchanges/binance/archive/layout.ts';
import type { ArchiveFiles } from './files.ts';

/** Paths below this are the archive's. */
export const archivePrefix = '/data/';

const suffix = '.CHECKSUM';

/** Answers GET and HEAD of a path in the archive as the exchange's file host does; gives the status. */
export async function serveArchive(
  files: ArchiveFiles,
  path: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<number> {
  const isChecksum = path.endsWith(suffix);
  const file = parsePath(path.slice(1, isChecksum ? -suffix.length : undefined));
  const isHead = request.method === 'HEAD';
  if (!isHead && request.method !== 'GET') return refuse(response, 405, 'MethodNotAllowed');
  if (file === undefined || !files.has(file)) return refuse(response, 404, 'NoSuchKey');
  response.setHeader('content-type', isChecksum ? 'text/plain' : 'application/zip');
  if (isHead) {
    response.end();
  } else if (isChecksum) {
    response.end(await files.checksum(file));
  } else {
    const zip = await files.zip(file);
    if (zip instanceof Uint8Array) response.end(zip);
    else await pipeline(zip, response);
  }
  return 200;
}

function refuse(response: ServerResponse, status: number, code: string): number {
  response.writeHead(status, { 'content-type': 'application/xml' });
  response.end(`<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>${code}</Code></Error>`);
  return status;
}
