import { randomUUID } from 'node:crypto';
import { link, mkdir, open, opendir, readFile, rename, stat, unlink } from 'node:fs/promises';
import { dirname, join, resolve, sep } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { isMissingFile, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

/**
 * Where the tables' files are. Locations are absolute URIs as Iceberg's metadata holds them; objects are written
 * once, whole and durably, and never changed.
 */
export interface ObjectStore {
  /** URI of the warehouse, without a slash at its end. */
  readonly root: string;
  read(location: string): Promise<Uint8Array>;
  /** Creates the object; durable when it resolves; CONFLICT when it exists. */
  write(location: string, bytes: Uint8Array): Promise<void>;
  /** Moves a local file of this machine into the store; durable when it resolves. */
  publish(localPath: string, location: string): Promise<void>;
  exists(location: string): Promise<boolean>;
  remove(location: string): Promise<void>;
  /** All objects below a location, in no order; none where there is nothing. */
  list(below: string): AsyncIterable<StoredObject>;
  /** The name under which DuckDB reads the object. */
  readable(location: string): string;
  /** A folder for files that are being made, near enough to `publish` without copying. */
  readonly stagingDir: string;
}

export interface StoredObject {
  location: string;
  bytes: number;
  /** When it was written, by the store's clock. */
  modifiedMs: number;
}

/** The store on a local disk. */
export async function openFileStore(directory: string): Promise<ObjectStore> {
  const base = resolve(directory);
  const stagingDir = join(base, '.staging');
  await mkdir(stagingDir, { recursive: true }).catch((error: unknown) => {
    throw toTicklakeError(error);
  });

  const pathOf = (location: string): string => {
    const path = resolve(localPath(location));
    if (path !== base && !path.startsWith(base + sep)) {
      throw new TicklakeError('DATA_CORRUPT', `${location} lies outside the warehouse ${base}`, {
        remedy: 'Move the table into the warehouse, or open the warehouse that holds it.',
      });
    }
    return path;
  };

  return {
    root: pathToFileURL(base).href,
    stagingDir,
    readable: (location) => pathOf(location),
    read: async (location) => await readFile(pathOf(location)),
    async write(location, bytes) {
      const path = pathOf(location);
      await mkdir(dirname(path), { recursive: true });
      const draft = join(stagingDir, randomUUID());
      try {
        const file = await open(draft, 'wx');
        try {
          await file.writeFile(bytes);
          await file.sync();
        } finally {
          await file.close();
        }
        await link(draft, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
          throw new TicklakeError('CONFLICT', `${location} exists already`, { cause: error });
        }
        throw toTicklakeError(error);
      } finally {
        await unlink(draft).catch(() => undefined);
      }
    },
    async publish(localFile, location) {
      const path = pathOf(location);
      try {
        await mkdir(dirname(path), { recursive: true });
        const file = await open(localFile, 'r');
        try {
          await file.sync();
        } finally {
          await file.close();
        }
        await rename(localFile, path);
        await syncDirectory(dirname(path));
      } catch (error) {
        throw toTicklakeError(error);
      }
    },
    async exists(location) {
      return await stat(pathOf(location)).then(
        () => true,
        (error: unknown) => {
          if (isMissingFile(error)) return false;
          throw toTicklakeError(error);
        },
      );
    },
    async remove(location) {
      await unlink(pathOf(location));
    },
    async *list(below) {
      const entries = await opendir(pathOf(below), { recursive: true }).catch((error: unknown) => {
        if (isMissingFile(error)) return [];
        throw toTicklakeError(error);
      });
      for await (const entry of entries) {
        if (!entry.isFile()) continue;
        const path = join(entry.parentPath, entry.name);
        const found = await stat(path).catch((error: unknown) => {
          if (isMissingFile(error)) return undefined;
          throw toTicklakeError(error);
        });
        if (found === undefined) continue;
        yield { location: pathToFileURL(path).href, bytes: found.size, modifiedMs: found.mtimeMs };
      }
    },
  };
}

/** `file:/x`, `file:///x` and plain paths name the same file; Spark writes the first, PyIceberg the second. */
export function localPath(location: string): string {
  if (!location.startsWith('file:')) return location;
  return fileURLToPath(location.replace(/^file:\/*/, 'file:///'));
}

async function syncDirectory(directory: string): Promise<void> {
  const handle = await open(directory, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}
