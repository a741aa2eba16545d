import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { madeEnvironment, pythonEnvironment, type PythonRequest } from '#core/platform/python.ts';

/** What Spark runs with. */
export interface SparkEnvironment {
  /** An interpreter that has PySpark, and dbt with its adapter. */
  python: string;
  /** What Spark needs to read the lake's tables. */
  jars: readonly string[];
  /** Folder of spark-defaults.conf: SPARK_CONF_DIR, or our own for this machine alone. */
  confDir: string;
}

export type SparkRequest = Omit<PythonRequest, 'lockFile'>;

/** Of the dbt project: what Spark needs, and its settings. */
const sparkDir = join(import.meta.dirname, '..', '..', '..', 'transforms', 'spark');
const lockFile = join(sparkDir, 'requirements.lock');
const pom = join(sparkDir, 'pom.xml');
const javaMin = 17;
const commandMsMax = 20_000;
const fetchMsMax = 600_000;

/**
 * What Spark runs with, made the first time: half a gigabyte of packages, and its jars by Maven.
 * @throws UNAVAILABLE where there is no Java, or the jars could not be fetched; what making a Python environment throws.
 */
export async function openSpark(request: SparkRequest): Promise<SparkEnvironment> {
  const missing = await javaMissing(request.env);
  if (missing !== undefined) throw missing;
  const jars = (await madeJars(request.cacheDir)) ?? (await fetchJars(request));
  const { python } = await pythonEnvironment({ ...request, lockFile });
  return { python, jars, confDir: confDirOf(request.env) };
}

/** What Spark runs with, where it has been made. */
export async function madeSpark(request: SparkRequest): Promise<SparkEnvironment | undefined> {
  const [missing, jars, environment] = await Promise.all([
    javaMissing(request.env),
    madeJars(request.cacheDir),
    madeEnvironment({ ...request, lockFile }),
  ]);
  if (missing !== undefined || jars === undefined || environment === undefined) return undefined;
  return { python: environment.python, jars, confDir: confDirOf(request.env) };
}

function confDirOf(env: SparkRequest['env'] = process.env): string {
  return env['SPARK_CONF_DIR'] ?? join(sparkDir, 'conf');
}

async function javaMissing(env: SparkRequest['env']): Promise<TicklakeError | undefined> {
  const java = await execa('java', ['-version'], { reject: false, timeout: commandMsMax, ...within(env) });
  const version = Number(/version "(\d+)/.exec(String(java.stderr))?.[1] ?? 0);
  if (version >= javaMin) return undefined;
  return new TicklakeError('UNAVAILABLE', `Spark needs Java ${javaMin} or newer on the PATH`, {
    remedy: `Install it (Debian: apt-get install openjdk-${javaMin}-jre-headless), or run with --target duckdb.`,
  });
}

async function jarsDir(cacheDir: string): Promise<string> {
  const hash = createHash('sha256').update(await readFile(pom));
  return join(cacheDir, `spark-${hash.digest('hex').slice(0, 12)}`);
}

async function madeJars(cacheDir: string): Promise<string[] | undefined> {
  const directory = await jarsDir(cacheDir);
  const files = await readdir(directory).catch(() => undefined);
  return files?.filter((file) => file.endsWith('.jar')).map((file) => join(directory, file));
}

/** Fetches them beside the final place and moves them there whole. */
async function fetchJars(request: SparkRequest): Promise<string[]> {
  const directory = await jarsDir(request.cacheDir);
  const draft = `${directory}.${process.pid}`;
  request.note?.('fetching the jars that Spark reads the lake with, once');
  await mkdir(request.cacheDir, { recursive: true });
  const goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DexcludeTransitive=true'];
  try {
    await execa('mvn', ['-B', '-q', '-f', pom, ...goal, `-DoutputDirectory=${draft}`], {
      ...{ timeout: fetchMsMax, ...within(request.env) },
      ...(request.signal === undefined ? {} : { cancelSignal: request.signal }),
    });
    await rename(draft, directory);
  } catch (error) {
    request.signal?.throwIfAborted();
    // Another process may have been first.
    if ((await madeJars(request.cacheDir)) === undefined) throw notFetched(directory, error);
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return (await madeJars(request.cacheDir)) ?? [];
}

function notFetched(directory: string, error: unknown): TicklakeError {
  return new TicklakeError('UNAVAILABLE', `Spark's jars could not be fetched: ${messageOf(error)}`, {
    cause: error,
    remedy: `Install Maven (Debian: apt-get install maven), or put the jars that ${pom} names into ${directory}.`,
  });
}

function within(env: SparkRequest['env']): { env?: Record<string, string | undefined>; extendEnv?: false } {
  return env === undefined ? {} : { env: { ...env }, extendEnv: false };
}
