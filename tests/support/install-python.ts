/** Makes the Python environment that foreign readers run in: `node tests/support/install-python.ts`. */
import { installPython } from './python.ts';

const { python } = await installPython();
process.stdout.write(`${python}\n`);
