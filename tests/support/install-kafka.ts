/** Fetches the Kafka broker the tests run against: `node tests/support/install-kafka.ts`. Needs mvn and Java 17. */
import { mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';

const project = join(import.meta.dirname, '..', '..');
const pom = join(import.meta.dirname, 'kafka', 'pom.xml');

/** The cache of the broker's jars, kept out of git. */
export const kafkaJars = join(project, '.cache', 'kafka', 'lib');

export async function kafkaIsInstalled(): Promise<boolean> {
  const files = await readdir(kafkaJars).catch(() => []);
  return files.some((file) => /^kafka_2\.13-.*\.jar$/.test(file));
}

export async function installKafka(): Promise<void> {
  await mkdir(kafkaJars, { recursive: true });
  const goal = ['dependency:copy-dependencies', `-DoutputDirectory=${kafkaJars}`, '-DincludeScope=runtime'];
  await execa('mvn', ['-B', '-q', '-f', pom, ...goal], { stdio: 'inherit', timeout: 600_000 });
}

if (import.meta.main && !(await kafkaIsInstalled())) await installKafka();
