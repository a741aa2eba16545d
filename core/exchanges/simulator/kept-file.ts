import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { isMissingFile, TicklakeError, toTicklakeError } from '#core/platform/errors.ts';

/**
 * Something small that outlives the process: a JSON file that is replaced whole, without fsync, so that it survives the
 * death of the process, not of the machine. `check` tells what belongs in it.
 */
export class KeptFile<T> {
  readonly #file: string | undefined;
  readonly #check: (value: unknown) => value is T;

  /** Without a file nothing is kept. */
  constructor(file: string | undefined, check: (value: unknown) => value is T) {
    this.#file = file;
    this.#check = check;
  }

  /** What the file holds, where there is one. Throws DATA_CORRUPT where that is something else. */
  read(): T | undefined {
    if (this.#file === undefined) return undefined;
    let text: string;
    try {
      text = readFileSync(this.#file, 'utf8');
    } catch (error) {
      if (isMissingFile(error)) return undefined;
      throw toTicklakeError(error);
    }
    const value = parse(text);
    if (this.#check(value)) return value;
    throw new TicklakeError('DATA_CORRUPT', `${this.#file} does not hold the state of a simulator`, {
      remedy: 'Remove the file to begin anew, or give another seed.',
    });
  }

  /** Throws DISK_FULL and others; the file is then as it was. */
  write(value: T): void {
    if (this.#file === undefined) return;
    try {
      writeFileSync(`${this.#file}.tmp`, JSON.stringify(value));
      renameSync(`${this.#file}.tmp`, this.#file);
    } catch (error) {
      throw toTicklakeError(error);
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
