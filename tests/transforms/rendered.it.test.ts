import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { compileRendered, rendered } from '#tests/support/dbt.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';

const needsDbt = requires((await pythonEnvironment('dbt')) !== undefined, 'dbt', pythonRemedy);

describe('the rendered transforms', { ...needsDbt, timeout: 180_000 }, () => {
  test('are what dbt compiles the marts to; `node tests/support/render-transforms.ts` renders them anew', async () => {
    const compiled = await compileRendered();
    expect(compiled.size).toBeGreaterThan(0);
    const names = (await readdir(rendered)).map((name) => name.replace(/\.sql$/, ''));
    expect(names.toSorted()).toEqual([...compiled.keys()].toSorted());
    for (const [model, sql] of compiled) {
      expect(await readFile(join(rendered, `${model}.sql`), 'utf8'), model).toBe(sql);
    }
  });
});
