import { readdir, readFile, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { TicklakeError, toTicklakeError } from '#core/platform/errors.ts';
import { maxChecksumBytes, sha256Of } from './checksum.ts';
import { absent, damaged } from './damage.ts';
import {
  archiveKinds,
  archiveRoot,
  folderOf,
  granularities,
  parseName,
  type ArchiveFile,
  type ArchiveSeries,
} from './layout.ts';
import type { ArchiveStore, HeldZip, Span } from './store.ts';

/** An archive in a folder that holds `data/spot`. Throws NOT_FOUND where it does not. */
export async function openFolder(folder: string, maxZipBytes: number): Promise<ArchiveStore> {
  const root = resolve(folder);
  if (!(await isThere(join(root, archiveRoot)))) {
    throw new TicklakeError('NOT_FOUND', `there is no ${archiveRoot} in ${root}`, {
      remedy: `Name the folder that holds ${archiveRoot}/daily or ${archiveRoot}/monthly.`,
      context: { folder: root },
    });
  }
  const pathOf = (file: ArchiveFile) => join(root, file.path);

  async function filesOf(series: ArchiveSeries): Promise<ArchiveFile[]> {
    const found = await Promise.all(
      granularities.map(async (granularity) => {
        const names = await namesIn(join(root, folderOf(series, granularity)));
        return names.flatMap((name) => parseName(series, granularity, name) ?? []);
      }),
    );
    return found.flat();
  }

  return {
    place: root,
    async series() {
      const found = new Map<string, ArchiveSeries>();
      for (const granularity of granularities) {
        for (const kind of archiveKinds) {
          const base = join(root, archiveRoot, granularity, kind);
          for (const symbol of await namesIn(base)) {
            const intervals = kind === 'klines' ? await namesIn(join(base, symbol)) : [undefined];
            for (const interval of intervals) {
              const series = { kind, symbol, ...(interval === undefined ? {} : { interval }) };
              found.set(`${kind}/${symbol}/${interval ?? ''}`, series);
            }
          }
        }
      }
      return [...found].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, series]) => series);
    },
    async extent(series) {
      const periods = (await filesOf(series)).map(({ period }) => period);
      if (periods.length === 0) return undefined;
      return periods.reduce<Span>(
        (all, { fromUs, toUs }) => ({
          fromUs: Math.min(all.fromUs, fromUs),
          toUs: Math.max(all.toUs, toUs),
        }),
        { fromUs: Infinity, toUs: -Infinity },
      );
    },
    exists: (file) => isThere(pathOf(file)),
    async checksum(file) {
      const path = `${pathOf(file)}.CHECKSUM`;
      const { size } = await stat(path).catch(async (error: unknown) => {
        if (!isMissing(error)) throw toTicklakeError(error);
        if (!(await isThere(pathOf(file)))) throw absent(pathOf(file), error);
        throw damaged('checksum-missing', path, 'is not there', { cause: error });
      });
      if (size > maxChecksumBytes) throw damaged('checksum-format', path, `has ${size} bytes, not one line`);
      return await readFile(path, 'utf8');
    },
    async zip(file, _folder, signal): Promise<HeldZip> {
      const path = pathOf(file);
      const { size } = await stat(path).catch((error: unknown) => {
        throw isMissing(error) ? absent(path, error) : toTicklakeError(error);
      });
      if (size > maxZipBytes) {
        throw damaged('too-large', path, `has ${size} bytes, allowed are ${maxZipBytes}`);
      }
      return { path, sha256: await sha256Of(path, size, signal), bytes: size, isTemporary: false };
    },
  };
}

async function isThere(path: string): Promise<boolean> {
  return await stat(path).then(
    () => true,
    (error: unknown) => {
      if (isMissing(error)) return false;
      throw toTicklakeError(error);
    },
  );
}

async function namesIn(folder: string): Promise<string[]> {
  return await readdir(folder).catch((error: unknown) => {
    if (isMissing(error)) return [];
    throw toTicklakeError(error);
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}
