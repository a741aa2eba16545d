import { describe, expect, it } from 'vitest';
import { isTicklakeError } from '#core/platform/errors.ts';
import { assertHistory, assertServerVersion, compareHistory } from '#core/platform/postgres/schema.ts';

describe('the history of a database', () => {
  it.each([
    [[], 'older'],
    [['a'], 'older'],
    [['a', 'b'], 'current'],
    [['a', 'b', 'c'], 'newer'],
    [['x'], 'foreign'],
    [['a', 'x'], 'foreign'],
    [['a', 'x', 'c'], 'foreign'],
  ])('%j against a, b is %s', (applied, state) => {
    expect(compareHistory(applied, ['a', 'b'])).toBe(state);
  });

  it('may be empty, not another program’s', () => {
    expect(() => assertHistory([])).not.toThrow();
    expect(() => assertHistory(['0001_somebody_elses'])).toThrow(
      expect.toSatisfy((error) => isTicklakeError(error, 'DATABASE_WRONG') && error.remedy !== undefined),
    );
  });
});

describe('the version of a server', () => {
  it.each([150_000, 150_018, 180_004])('%d is enough', (version) => {
    expect(() => assertServerVersion(version)).not.toThrow();
  });

  it.each([
    [140_013, 'Postgres 14'],
    [90_624, 'Postgres 9'],
    [0, 'Postgres 0'],
  ])('%d is too old', (version, name) => {
    expect(() => assertServerVersion(version)).toThrow(
      expect.toSatisfy((error) => isTicklakeError(error, 'DATABASE_WRONG') && error.message.includes(name)),
    );
  });
});
