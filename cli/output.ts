import type { Writable } from 'node:stream';
import CliTable from 'cli-table3';
import { TicklakeError } from '#core/platform/errors.ts';

export type Cell = string | number | bigint | boolean | null | undefined;

/** Where a command's data goes: text for people, or exactly one JSON document. */
export interface Output {
  readonly json: boolean;
  /** Whether the one JSON document has been printed. */
  readonly documented: boolean;
  /**
   * Prints a command's result, once: `value` as the JSON document with `--json`, else the text made by `text`.
   * Bigints are printed as text.
   */
  result(value: unknown, text: () => string): void;
  /** A line for people on stderr. */
  note(line: string): void;
}

export function createOutput(options: { json: boolean; stdout: Writable; stderr: Writable }): Output {
  let documented = false;
  return {
    json: options.json,
    get documented() {
      return documented;
    },
    result(value, text) {
      if (documented) throw new TicklakeError('INTERNAL', 'A command printed a second result');
      documented = true;
      const printed = options.json ? JSON.stringify(value, bigintAsText, 2) : text();
      options.stdout.write(printed.endsWith('\n') ? printed : `${printed}\n`);
    },
    note(line) {
      options.stderr.write(`${line}\n`);
    },
  };
}

/** Rows under their headings, numbers to the right; `(none)` where there are no rows. */
export function table(headings: readonly string[], rows: readonly (readonly Cell[])[]): string {
  if (rows.length === 0) return '(none)';
  const numeric = headings.map((_, column) =>
    rows.every((row) => ['number', 'bigint', 'undefined'].includes(typeof (row[column] ?? undefined))),
  );
  const printed = new CliTable({
    head: [...headings],
    chars: borderless,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 2 },
    colAligns: numeric.map((isNumeric) => (isNumeric ? 'right' : 'left')),
  });
  printed.push(...rows.map((row) => headings.map((_, column) => show(row[column]))));
  return printed.toString().replace(/ +$/gm, '');
}

const borderless = {
  ...{ top: '', 'top-mid': '', 'top-left': '', 'top-right': '' },
  ...{ bottom: '', 'bottom-mid': '', 'bottom-left': '', 'bottom-right': '' },
  ...{ left: '', 'left-mid': '', mid: '', 'mid-mid': '', right: '', 'right-mid': '', middle: '' },
};

function show(cell: Cell): string {
  if (cell === null || cell === undefined) return '';
  return typeof cell === 'number' || typeof cell === 'bigint' ? cell.toLocaleString('en-US') : String(cell);
}

function bigintAsText(_key: string, value: unknown): unknown {
  return typeof value === 'bigint' ? value.toString() : value;
}
