/**
 * Makes the Python environments of the tests, and that of dbt: `node tests/support/install-python.ts`. Spark, half a
 * gigabyte that needs Java 17, only where it is named: `node tests/support/install-python.ts spark`.
 */
import { installPython, type PythonKind } from './python.ts';

const kinds: readonly PythonKind[] = process.argv.includes('spark')
  ? ['spark']
  : ['readers', 'indicators', 'dbt'];
for (const kind of kinds) {
  const { python } = await installPython(kind);
  process.stdout.write(`${python}\n`);
}
