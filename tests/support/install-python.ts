/** Makes the Python environments that foreign readers and dbt run in: `node tests/support/install-python.ts`. */
import { installPython } from './python.ts';

for (const kind of ['readers', 'dbt'] as const) {
  const { python } = await installPython(kind);
  process.stdout.write(`${python}\n`);
}
