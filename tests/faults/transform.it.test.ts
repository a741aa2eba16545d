import { describe, expect, test } from 'vitest';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { transformCrashRun } from './transform.ts';

const hasDbt = process.platform === 'linux' && (await pythonEnvironment('dbt')) !== undefined;
const needsDbt = requires(hasDbt, 'dbt on Linux', pythonRemedy);
const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

describe('two kills, of the transforms and of their dbt,', { ...needsDbt, timeout: 400_000 }, () => {
  test('leave every mart as it was or as it should be, and nothing behind', async () => {
    const { problems, story } = await transformCrashRun({ kills: 2, seed });
    expect(problems, story.join('\n')).toEqual([]);
  });
});
