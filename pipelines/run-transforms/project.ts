import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';

/** The dbt project. */
export const transformsDir = join(import.meta.dirname, '..', '..', 'transforms');

/** What the SQL of the models is compiled from. */
const parts = ['dbt_project.yml', 'macros', 'models'];

/** SHA-256 of all that the SQL of a dbt project is compiled from: where it is the same, so is the SQL. */
export async function projectHash(projectDir: string): Promise<string> {
  const entries = await readdir(projectDir, { recursive: true, withFileTypes: true });
  const paths = entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name))
    .filter((path) =>
      parts.some((part) => path === join(projectDir, part) || path.startsWith(join(projectDir, part, '/'))),
    )
    .toSorted();
  const hash = createHash('sha256');
  for (const path of paths)
    hash
      .update(path.slice(projectDir.length))
      .update('\0')
      .update(await readFile(path))
      .update('\0');
  return hash.digest('hex');
}
