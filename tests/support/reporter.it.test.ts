import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');

async function runFixtures(names: string[], env: Record<string, string> = {}) {
  const config = ['--config', 'tests/support/fixtures/vitest.config.ts'];
  const { stdout, exitCode } = await execa(
    process.execPath,
    ['node_modules/vitest/vitest.mjs', 'run', '--root', '.', ...config, ...names],
    { cwd: root, reject: false, env: { TICKLAKE_REQUIRE: '', ...env } },
  );
  return { exitCode, lines: stdout.trimEnd().split('\n') };
}

test('the last line counts, and what was not tested is listed with its remedy', async () => {
  const { exitCode, lines } = await runFixtures(['outcomes']);
  expect(exitCode).toBe(1);
  // Failed: the test, and the hook that keeps another from running.
  expect(lines.at(-1)).toBe('2 passed, 2 failed, 5 skipped');
  const listed = lines.filter((line) => line.startsWith('!!!'));
  expect(listed).toEqual([
    '!!! NOT TESTED on this machine (TICKLAKE_REQUIRE=all makes it a failure):',
    '!!!   A unicorn: 1 tests. Draw one.',
    '!!!   Kafka: 2 tests. Install it.',
    '!!!   skipped without a reason: tests/support/fixtures/outcomes.fixture.ts > is skipped without a reason',
    '!!!   skipped without a reason: tests/support/fixtures/outcomes.fixture.ts > with a hook that fails > never runs',
  ]);
});

test('with TICKLAKE_REQUIRE=all what is missing fails', async () => {
  const { exitCode, lines } = await runFixtures(['outcomes'], { TICKLAKE_REQUIRE: 'all' });
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('2 passed, 4 failed, 5 skipped');
});

test('a file that does not load is a failure', async () => {
  const { exitCode, lines } = await runFixtures(['torn']);
  expect(exitCode).toBe(1);
  expect(lines.at(-1)).toBe('0 passed, 1 failed, 0 skipped');
});

test('all well', async () => {
  const { exitCode, lines } = await runFixtures(['green']);
  expect({ exitCode, last: lines.at(-1) }).toEqual({ exitCode: 0, last: '1 passed, 0 failed, 0 skipped' });
  expect(lines.filter((line) => line.startsWith('!!!'))).toEqual([]);
});

test('what passed only when run again is listed', async () => {
  const { exitCode, lines } = await runFixtures(['unstable']);
  expect({ exitCode, last: lines.at(-1) }).toEqual({ exitCode: 0, last: '1 passed, 0 failed, 0 skipped' });
  expect(lines.filter((line) => line.startsWith('!!!'))).toEqual([
    '!!! UNSTABLE, passed only when run again:',
    '!!!   tests/support/fixtures/unstable.fixture.ts > passes when run again',
  ]);
});
