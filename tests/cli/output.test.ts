import { expect, test } from 'vitest';
import { createOutput, table } from '#cli/output.ts';
import { collector } from './support.ts';

test('a table has its columns under their headings, numbers to the right', () => {
  const printed = table(
    ['name', 'rows', 'note'],
    [
      ['market.trades', 1_234_567, 'all'],
      ['market.klines', 12n, null],
    ],
  );
  expect(printed.split('\n')).toEqual([
    'name                rows  note',
    'market.trades  1,234,567  all',
    'market.klines         12',
  ]);
});

test('no rows are said to be none', () => {
  expect(table(['name'], [])).toBe('(none)');
});

test('a result is text for people, or one JSON document with bigints as text', () => {
  const [plain, json, stderr] = [collector(), collector(), collector()];
  const value = { id: 2n ** 60n, list: [1] };
  createOutput({ json: false, stdout: plain.stream, stderr: stderr.stream }).result(value, () => 'two words');
  createOutput({ json: true, stdout: json.stream, stderr: stderr.stream }).result(value, () => 'two words');
  expect(plain.text()).toBe('two words\n');
  expect(JSON.parse(json.text())).toEqual({ id: '1152921504606846976', list: [1] });
  expect(stderr.text()).toBe('');
});

test('a second result is refused, and notes go to stderr', () => {
  const [stdout, stderr] = [collector(), collector()];
  const output = createOutput({ json: true, stdout: stdout.stream, stderr: stderr.stream });
  expect(output.documented).toBe(false);
  output.note('working');
  output.result(null, () => '');
  expect(output.documented).toBe(true);
  expect(() => output.result(null, () => '')).toThrow('second result');
  expect(stdout.text()).toBe('null\n');
  expect(stderr.text()).toBe('working\n');
});
