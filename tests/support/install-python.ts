/** Makes the Python environments of the tests, and that of dbt: `node tests/support/install-python.ts`. */
import { installPython } from './python.ts';

for (const kind of ['readers', 'indicators', 'schemathesis', 'dbt'] as const) {
  const { python } = await installPython(kind);
  process.stdout.write(`${python}\n`);
}
