import { readdir, readFile } from 'node:fs/promises';
import { join, relative } from 'node:path';

export const root = join(import.meta.dirname, '../..');

export interface Source {
  /** From the root of the project. */
  path: string;
  text: string;
}

/** The code of the product below these folders; not what was built of it. */
export async function sourcesOf(...folders: string[]): Promise<Source[]> {
  const found = await Promise.all(
    folders.map(async (folder) => {
      const entries = await readdir(join(root, folder), { recursive: true, withFileTypes: true });
      const files = entries.filter((entry) => entry.isFile() && /\.tsx?$/.test(entry.name));
      return files.map((entry) => relative(root, join(entry.parentPath, entry.name)));
    }),
  );
  const paths = found.flat().filter((path) => !/\/(dist|node_modules)\//.test(path));
  return await Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}
