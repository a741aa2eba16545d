import { createHash } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { pipeline } from 'node:stream/promises';
import { damaged } from './damage.ts';

/** `sha256sum`'s line: digest, a space, a space or (binary mode) a star, the file's name. */
const lineForm = /^([0-9a-fA-F]{64})[ \t]+\*?(\S.*?)\s*$/;

/** Longest `.CHECKSUM` file that is read. */
export const maxChecksumBytes = 4_096;

/**
 * The SHA-256 that a `.CHECKSUM` file gives for `name`, small letters. Throws DATA_CORRUPT (`checksum-format`,
 * `checksum-name`).
 */
export function parseChecksum(text: string, name: string, place: string): string {
  const lines = text.split('\n').filter((line) => line.trim() !== '');
  const [, digest, named] = lineForm.exec(lines.length === 1 ? (lines[0] ?? '') : '') ?? [];
  if (digest === undefined || named === undefined) {
    const found = JSON.stringify(text.slice(0, 80));
    throw damaged('checksum-format', place, `is not one line of digest and name but ${found}`);
  }
  const base = named.slice(named.lastIndexOf('/') + 1);
  if (base !== name) throw damaged('checksum-name', place, `names ${base}, not ${name}`);
  return digest.toLowerCase();
}

/** Up to this size a file is read at once: for thousands of small ones, streams cost more than their bytes. */
const smallBytes = 1024 * 1024;

/** SHA-256 of a file of so many bytes, small hex letters. */
export async function sha256Of(file: string, bytes: number, signal?: AbortSignal): Promise<string> {
  const hash = createHash('sha256');
  const options = signal === undefined ? {} : { signal };
  if (bytes <= smallBytes) hash.update(await readFile(file, options));
  else await pipeline(createReadStream(file), hash, options);
  return hash.digest('hex');
}
