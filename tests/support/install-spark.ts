/** Makes what Spark runs with, half a gigabyte: `node tests/support/install-spark.ts`. Needs Java 17 and mvn. */
import { join } from 'node:path';
import { madeSpark, openSpark, type SparkEnvironment } from '#pipelines/run-transforms/spark/environment.ts';

const cacheDir = join(import.meta.dirname, '..', '..', '.cache');

export const sparkRemedy =
  'Install Java 17 and Maven, then run `node tests/support/install-spark.ts` (half a gigabyte).';

/** What Spark runs with, where it has been made: it is too large to be made unasked. */
export async function installedSpark(): Promise<SparkEnvironment | undefined> {
  return await madeSpark({ cacheDir });
}

if (import.meta.main) {
  const { python } = await openSpark({ cacheDir });
  process.stdout.write(`${python}\n`);
}
