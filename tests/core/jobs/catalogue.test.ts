import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { createCatalogue } from '#core/jobs/catalogue.ts';

const card = {
  name: 'load-days',
  description: 'Loads days.',
  parameters: Type.Object(
    { from: Type.String({ format: 'date' }), symbols: Type.Array(Type.String(), { default: ['BTCUSDT'] }) },
    { additionalProperties: false },
  ),
};

describe('the catalogue', () => {
  it('fills in defaults, and knows equal parameters by their hash', () => {
    const catalogue = createCatalogue([card]);
    const short = catalogue.check('load-days', { from: '2024-01-01' });
    expect(short.params).toEqual({ from: '2024-01-01', symbols: ['BTCUSDT'] });
    expect(catalogue.check('load-days', { symbols: ['BTCUSDT'], from: '2024-01-01' }).hash).toBe(short.hash);
    expect(catalogue.check('load-days', { from: '2024-01-02' }).hash).not.toBe(short.hash);
  });

  it('does not change what it is given', () => {
    const given = { from: '2024-01-01' };
    createCatalogue([card]).check('load-days', given);
    expect(given).toEqual({ from: '2024-01-01' });
  });

  it('names everything that is wrong', () => {
    const catalogue = createCatalogue([card]);
    expect(() => catalogue.check('load-days', { from: 'yesterday', to: 1 })).toThrow(
      /must NOT have additional properties \(to\); from must match format "date"/,
    );
    expect(() => catalogue.check('load-days', ['2024-01-01'])).toThrow(/not an object/);
    expect(() => catalogue.check('load-day', {})).toThrow(/no job load-day/);
  });

  it('refuses a catalogue with a mistake', () => {
    expect(() => createCatalogue([card, card])).toThrow(/two jobs/);
    expect(() => createCatalogue([{ ...card, name: 'Load Days' }])).toThrow(/no name/);
    expect(() => createCatalogue([{ ...card, after: ['nothing'] }])).toThrow(/which is no job/);
  });
});
