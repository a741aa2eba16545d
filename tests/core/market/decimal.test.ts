import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  add,
  decimalText,
  divide,
  isOnGrid,
  multiply,
  onGrid,
  parseDecimal,
  subtract,
  units,
  zero,
} from '#core/market/decimal.ts';

const bound = 10n ** 38n - 1n;
const decimal = fc.bigInt({ min: -bound, max: bound }).map(units);

describe('text', () => {
  it('is read back as it was written', () => {
    fc.assert(fc.property(decimal, (value) => parseDecimal(decimalText(value)) === value));
  });

  it.each([
    ['0', '0'],
    ['-0', '0'],
    ['-0.0', '0'],
    ['1.50', '1.5'],
    ['100', '100'],
    ['0.000000000000000001', '0.000000000000000001'],
    ['1.0000000000000000000000', '1'],
    ['99999999999999999999.999999999999999999', '99999999999999999999.999999999999999999'],
  ])('%s is %s', (text, canonical) => expect(decimalText(parseDecimal(text))).toBe(canonical));

  it.each([
    ...['', ' ', '.', '1.', '.5', '-', '+1', '01', '1e3', '1E3', '0x10', '1_000', '1,5', ' 1', '1 ', '1\n'],
    ...['NaN', 'nan', 'Infinity', '-Infinity', 'null', '--1', '1.2.3', '１', '٣', '1n'],
    ...['0.0000000000000000001', '100000000000000000000', '-100000000000000000000', '9'.repeat(65)],
  ])('%j is none', (text) => expect(() => parseDecimal(text)).toThrow(RangeError));
});

describe('arithmetic', () => {
  it('adds and subtracts exactly', () => {
    fc.assert(fc.property(decimal, decimal, (a, b) => subtract(add(a, b), b) === a));
    expect(add(parseDecimal('0.1'), parseDecimal('0.2'))).toBe(parseDecimal('0.3'));
  });

  it.each([
    ['0.000000000000000005', '0.1', '0', '0.000000000000000001', '0'],
    ['0.000000000000000015', '0.1', '0.000000000000000001', '0.000000000000000002', '0.000000000000000002'],
    [
      '-0.000000000000000016',
      '0.1',
      '-0.000000000000000001',
      '-0.000000000000000002',
      '-0.000000000000000002',
    ],
    ['2', '3', '6', '6', '6'],
  ])('%s × %s is %s down, %s up, %s half even', (a, b, ...products) => {
    for (const [index, rounding] of (['down', 'up', 'half-even'] as const).entries())
      expect(decimalText(multiply(parseDecimal(a), parseDecimal(b), rounding))).toBe(products[index]);
  });

  it('rounds a quotient to the two values around it', () => {
    fc.assert(
      fc.property(decimal, decimal, (a, b) => {
        fc.pre(b !== 0n);
        const [down, up, even] = (['down', 'up', 'half-even'] as const).map((way) => divide(a, b, way));
        const isExact = (a * 10n ** 18n) % b === 0n;
        const size = (value = zero) => (value < 0n ? -value : value);
        expect(size(up) - size(down)).toBe(isExact ? 0n : 1n);
        expect([down, up]).toContain(even);
      }),
    );
    expect(() => divide(parseDecimal('1'), zero, 'down')).toThrow(RangeError);
  });

  it('finds the grid', () => {
    const step = parseDecimal('0.05');
    expect(decimalText(onGrid(parseDecimal('1.07'), step, 'down'))).toBe('1.05');
    expect(decimalText(onGrid(parseDecimal('1.07'), step, 'up'))).toBe('1.1');
    expect([isOnGrid(parseDecimal('1.05'), step), isOnGrid(parseDecimal('1.06'), step)]).toEqual([
      true,
      false,
    ]);
    expect(isOnGrid(parseDecimal('1'), zero)).toBe(false);
  });
});
