import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname, tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { spillFolder } from '#core/platform/spill-folder.ts';

test('what processes that died here have left is removed, and nothing else', async () => {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-spill-'));
  onTestFinished(() => rm(dataDir, { recursive: true }));
  const first = await spillFolder(dataDir, 'jobs');
  const ended = spawn(process.execPath, ['--version'], { stdio: 'ignore' });
  await once(ended, 'exit');
  const kept = [
    `scheduler@${hostname()}-${process.ppid}`,
    `scheduler@elsewhere-${ended.pid}`,
    basename(first),
    'something-else',
  ];
  const left = [`scheduler@${hostname()}-${ended.pid}`, `lake@${hostname()}-${process.pid}`];
  for (const folder of [...kept, ...left]) {
    await mkdir(join(dataDir, 'tmp', folder), { recursive: true });
    await writeFile(join(dataDir, 'tmp', folder, 'spilled'), 'x');
  }
  // Left by a process of our own id that lived long ago.
  await utimes(join(dataDir, 'tmp', left[1] ?? ''), 1_000, 1_000);

  const second = await spillFolder(dataDir, 'jobs');
  expect(second).not.toBe(first);
  expect((await readdir(join(dataDir, 'tmp'))).toSorted()).toEqual(kept.toSorted());
});
