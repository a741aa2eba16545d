import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { localPath } from '#core/iceberg/location.ts';
import type { FileIO } from '#core/iceberg/types.ts';

/** Files on this machine's disk. */
export const diskIO: FileIO = {
  read: (location) => readFile(pathOf(location)),
  async write(location, bytes) {
    const path = pathOf(location);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, bytes, { flag: 'wx' });
  },
};

function pathOf(location: string): string {
  const path = localPath(location);
  if (path === undefined) throw new Error(`${location} is not on this machine`);
  return path;
}

/** Files in memory, which also tells what was read. */
export function memoryIO(): FileIO & { files: Map<string, Uint8Array>; reads: string[] } {
  const files = new Map<string, Uint8Array>();
  const reads: string[] = [];
  return {
    files,
    reads,
    read(location) {
      reads.push(location);
      const bytes = files.get(location);
      return bytes === undefined ? Promise.reject(new Error(`no file ${location}`)) : Promise.resolve(bytes);
    },
    write(location, bytes) {
      if (files.has(location)) return Promise.reject(new Error(`${location} is taken`));
      files.set(location, bytes);
      return Promise.resolve();
    },
  };
}
