import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { pythonEnvironment, type PythonEnvironment, type PythonRequest } from '#core/platform/python.ts';
import { openSpark, type SparkEnvironment } from './spark/environment.ts';

const packageDir = join(import.meta.dirname, '..', '..');

/** Where the Python environment of the transforms is, or is made: beside the program, or in the data dir where that cannot be written. */
export function transformsPython(dataDir: string): Pick<PythonRequest, 'lockFile' | 'cacheDir'> {
  return {
    lockFile: join(packageDir, 'transforms', 'requirements.lock'),
    cacheDir: isWritable(packageDir) ? join(packageDir, '.cache') : join(dataDir, 'cache'),
  };
}

/** Makes that environment, or finds it. @throws PYTHON_MISSING, UNAVAILABLE */
export async function openTransformsPython(
  dataDir: string,
  options: Pick<PythonRequest, 'note' | 'signal' | 'env'>,
): Promise<PythonEnvironment> {
  return await pythonEnvironment({ ...transformsPython(dataDir), ...options });
}

/** Makes what Spark runs with in their place, or finds it. @throws as that, and UNAVAILABLE where there is no Java or Maven */
export async function openTransformsSpark(
  dataDir: string,
  options: Pick<PythonRequest, 'note' | 'signal' | 'env'>,
): Promise<SparkEnvironment> {
  return await openSpark({ cacheDir: transformsPython(dataDir).cacheDir, ...options });
}

function isWritable(folder: string): boolean {
  try {
    accessSync(folder, constants.W_OK);
    return true;
  } catch {
    return false;
  }
}
