import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { createReadStream } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { ZipFile } from 'yazl';
import { fileOf, type ArchiveFile, type ArchiveSeries } from '#core/exchanges/binance/archive/layout.ts';

export async function zipOf(entries: Readonly<Record<string, string>>): Promise<Buffer> {
  const zip = new ZipFile();
  for (const [name, text] of Object.entries(entries)) zip.addBuffer(Buffer.from(text), name);
  zip.end();
  return await buffer(zip.outputStream);
}

export const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

export const minuteBars: ArchiveSeries = { kind: 'klines', symbol: 'BTCUSDT', interval: '1m' };

export function day(label: string, series = minuteBars): ArchiveFile {
  const granularity = label.length === 7 ? 'monthly' : 'daily';
  const file = fileOf(series, granularity, label);
  if (file === undefined) throw new RangeError(`${label} is no day or month`);
  return file;
}

/** So many minute bars from a day's midnight on. */
export function barsCsv(label: string, rows: number, unit: 'ms' | 'us' = 'ms'): string {
  const scale = unit === 'ms' ? 1 : 1_000;
  const lines = Array.from({ length: rows }, (_, i) => {
    const open = (Date.parse(label) + i * 60_000) * scale;
    return `${open},1.5,3,1,2,10,${open + 60_000 * scale - 1},20,9,4,8,0\n`;
  });
  return lines.join('');
}

export interface PutOptions {
  csv?: string;
  zip?: Uint8Array;
  /** Text of the `.CHECKSUM` file; `null` for none. */
  checksum?: string | null;
}

/** Puts a file into an archive folder, with the right checksum where nothing else is said. */
export async function put(root: string, file: ArchiveFile, options: PutOptions = {}): Promise<Uint8Array> {
  const path = join(root, file.path);
  const entry = `${file.name.slice(0, -4)}.csv`;
  const zip = options.zip ?? (await zipOf({ [entry]: options.csv ?? barsCsv(file.label, 3) }));
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, zip);
  const checksum = options.checksum === undefined ? `${sha256(zip)}  ${file.name}\n` : options.checksum;
  if (checksum !== null) await writeFile(`${path}.CHECKSUM`, checksum);
  return zip;
}

export type Interfere = (request: IncomingMessage, response: ServerResponse, count: number) => boolean;

/** Serves a folder over HTTP; `interfere` may answer in its place, told how often the path was asked for before. */
export async function serveFolder(root: string, interfere: Interfere = () => false) {
  const asked = new Map<string, number>();
  const server = createServer((request, response) => {
    const key = `${request.method} ${request.url}`;
    const count = asked.get(key) ?? 0;
    asked.set(key, count + 1);
    if (interfere(request, response, count)) return;
    const file = createReadStream(join(root, request.url ?? '/'));
    file.once('error', () => response.writeHead(404).end('<Error><Code>NoSuchKey</Code></Error>'));
    file.once('open', () => {
      response.writeHead(200);
      if (request.method === 'HEAD') response.end();
      else file.pipe(response);
    });
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    asked,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}
