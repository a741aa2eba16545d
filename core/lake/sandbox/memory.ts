import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';

const run = promisify(execFile);

/**
 * Bytes that a process alone has taken of memory and swap (elsewhere than on Linux with what it shares); undefined where
 * that cannot be told, as of one that has ended.
 */
export async function memoryOf(pid: number): Promise<number | undefined> {
  return process.platform === 'linux' ? fromProc(pid) : await fromPs(pid);
}

/** Sync, as it is a moment's work, and a busy pool of threads would delay it. */
function fromProc(pid: number): number | undefined {
  try {
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const kilobytes = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]);
    const bytes = (kilobytes('RssAnon') + (kilobytes('VmSwap') || 0)) * 1024;
    return Number.isNaN(bytes) ? undefined : bytes;
  } catch {
    return undefined;
  }
}

async function fromPs(pid: number): Promise<number | undefined> {
  try {
    const { stdout } = await run('ps', ['-o', 'rss=', '-p', String(pid)]);
    return Number(stdout.trim()) * 1024;
  } catch {
    return undefined;
  }
}
