import { InvalidArgumentError } from 'commander';
import { Type } from 'typebox';
import { expect, test } from 'vitest';
import { jobParameters, setting } from '#cli/job-parameters.ts';
import { isTicklakeError } from '#core/platform/errors.ts';

const card = {
  name: 'work',
  description: 'Works.',
  parameters: Type.Object({
    top: Type.Integer(),
    deep: Type.Boolean(),
    from: Type.String(),
    intervals: Type.Array(Type.String()),
    days: Type.Object({}),
  }),
};

test.each([
  ['top=5', { top: 5 }],
  ['deep=true', { deep: true }],
  ['from=2024', { from: '2024' }],
  ['intervals=1d', { intervals: ['1d'] }],
  ['intervals=1d,1h', { intervals: ['1d', '1h'] }],
  ['intervals=["1d"]', { intervals: ['1d'] }],
  ['days={"1d":30}', { days: { '1d': 30 } }],
  ['unknown=a=b', { unknown: 'a=b' }],
])('--set %s', (text, expected) => {
  expect(jobParameters(card, undefined, setting(text))).toEqual(expected);
});

test('what is set stands over what is given as JSON, and the last of a key counts', () => {
  const settings = setting('top=3', setting('top=2'));
  expect(jobParameters(card, '{"top": 1, "deep": true}', settings)).toEqual({ top: 3, deep: true });
});

test.each(['top', '=5', ''])('--set %s has no key and value', (text) => {
  expect(() => setting(text)).toThrow(InvalidArgumentError);
});

test.each(['{', '[]', '5', 'null', ''])('--params %s is no object', (json) => {
  expect(() => jobParameters(card, json)).toThrow(
    expect.toSatisfy((error) => isTicklakeError(error, 'USAGE')),
  );
});
