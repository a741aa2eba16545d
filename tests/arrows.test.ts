import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { cruise, type IConfiguration, type ICruiseResult } from 'dependency-cruiser';
import { expect, onTestFinished, test } from 'vitest';

const root = join(import.meta.dirname, '..');
const { default: configuration } = (await import(join(root, '.dependency-cruiser.js'))) as {
  default: IConfiguration;
};
const folders = ['core', 'pipelines', 'api', 'cli'];

async function violationsIn(baseDir: string, paths: string[]): Promise<ICruiseResult['summary']> {
  const { forbidden, options } = configuration;
  const { output } = await cruise(paths, {
    ...options,
    ruleSet: { forbidden: forbidden ?? [] },
    validate: true,
    baseDir,
  });
  if (typeof output === 'string') throw new Error('dependency-cruiser answered with text');
  return output.summary;
}

test('the arrows between rooms hold', async () => {
  const summary = await violationsIn(root, folders);
  expect(summary.totalCruised).toBeGreaterThan(0);
  expect(summary.totalDependenciesCruised).toBeGreaterThan(0);
  expect(summary.violations.map(({ from, to, rule }) => `${rule.name}: ${from} → ${to}`)).toEqual([]);
});

test.each([
  ['core/platform/a.ts', 'core/lake/b.ts', 'core-platform'],
  ['core/iceberg/a.ts', 'core/platform/b.ts', 'core-iceberg'],
  ['core/lake/a.ts', 'core/streams/b.ts', 'core-lake'],
  ['core/streams/a.ts', 'core/market/b.ts', 'core-streams'],
  ['core/attic/a.ts', 'core/platform/b.ts', 'core-unlisted-room'],
  ['core/trading/a.ts', 'core/models/b.ts', 'core-trading'],
  ['core/jobs/a.ts', 'cli/b.ts', 'core-jobs'],
  ['api/a.ts', 'core/exchanges/b.ts', 'api-exchanges'],
  ['api/a.ts', 'pipelines/b.ts', 'api'],
  ['pipelines/a.ts', 'api/b.ts', 'pipelines'],
  ['cli/a.ts', 'tests/b.ts', 'cli'],
  ['dashboards/a.ts', 'core/market/b.ts', 'dashboards'],
])('%s must not import %s', async (from, to, rule) => {
  const summary = await violationsIn(await projectWith(from, to), [dirname(from), dirname(to)]);
  expect(summary.violations.map((violation) => violation.rule.name)).toEqual([rule]);
});

async function projectWith(from: string, to: string): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-arrows-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  await Promise.all(
    [from, to].map(async (path) => await mkdir(dirname(join(folder, path)), { recursive: true })),
  );
  await writeFile(join(folder, 'package.json'), JSON.stringify({ type: 'module', imports: { '#*': './*' } }));
  await writeFile(join(folder, from), `import { b } from '#${to}';\nexport const a = b;\n`);
  await writeFile(join(folder, to), 'export const b = 1;\n');
  return folder;
}
