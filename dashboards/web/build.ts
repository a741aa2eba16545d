import { existsSync } from 'node:fs';
import { glob, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const here = import.meta.dirname;
const root = join(here, '../..');
const builtFile = join(here, 'dist/index.html');
const sources = [
  'dashboards/web/{src,public}/**/*',
  'dashboards/web/*.*',
  'api/{client,schemas}/**/*.ts',
  'package.json',
];

/** Builds the page into `dashboards/web/dist` unless that is newer than all sources; says whether it did. */
export async function buildPage(): Promise<boolean> {
  if (await isFresh()) return false;
  const { build } = await import('vite');
  // A test runner sets it to something else, and React would come with its checks for developers.
  const environment = process.env['NODE_ENV'];
  process.env['NODE_ENV'] = 'production';
  try {
    await build({ configFile: join(here, 'vite.config.ts'), logLevel: 'warn' });
  } finally {
    if (environment === undefined) delete process.env['NODE_ENV'];
    else process.env['NODE_ENV'] = environment;
  }
  return true;
}

async function isFresh(): Promise<boolean> {
  if (!existsSync(builtFile)) return false;
  const built = (await stat(builtFile)).mtimeMs;
  for await (const path of glob(sources, { cwd: root })) {
    if ((await stat(join(root, path))).mtimeMs > built) return false;
  }
  return true;
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const built = await buildPage();
  process.stderr.write(built ? 'built dashboards/web/dist\n' : 'dashboards/web/dist is up to date\n');
}
