import type { IncomingMessage } from 'node:http';
import { ApiError } from './answer.ts';

const maxBodyBytes = 64 * 1024;

export async function readBody(request: IncomingMessage): Promise<string> {
  const parts: Buffer[] = [];
  let length = 0;
  for await (const part of request as AsyncIterable<Buffer>) {
    length += part.length;
    if (length > maxBodyBytes) throw new ApiError(-1100, 'The body is too long.', 413);
    parts.push(part);
  }
  return Buffer.concat(parts).toString();
}

export async function readJson(request: IncomingMessage): Promise<unknown> {
  const text = await readBody(request);
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(-1100, 'The body is not JSON.');
  }
}
