import { readFileSync } from 'node:fs';

/** The text of a `.sql` file, named relative to the module that asks (`import.meta.url`). Read once, at import. */
export function sqlFile(moduleUrl: string, path: string): string {
  return readFileSync(new URL(path, moduleUrl), 'utf8').trim();
}
