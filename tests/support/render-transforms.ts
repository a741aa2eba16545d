import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { compileRendered, rendered } from './dbt.ts';

/** `node tests/support/render-transforms.ts`: writes what dbt compiles the marts to, after a model has changed. */
for (const [model, sql] of await compileRendered()) await writeFile(join(rendered, `${model}.sql`), sql);
