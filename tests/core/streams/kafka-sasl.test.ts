import { expect, test } from 'vitest';
import { scramOf } from '#core/streams/kafka-sasl.ts';

test('SCRAM-SHA-256 is that of RFC 7677, section 3', () => {
  const scram = scramOf('sha256', 'user', 'pencil', 'rOprNGfwEbeRWgbNEkqO');
  expect(scram.first).toBe('n,,n=user,r=rOprNGfwEbeRWgbNEkqO');
  const { final, expected } = scram.answer(
    'r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096',
  );
  expect(final).toBe(
    'c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=',
  );
  expect(expected.toString('base64')).toBe('6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=');
});

test('a server that is not of the exchange, or makes guessing cheap, is refused', () => {
  const { answer } = scramOf('sha512', 'user', 'pencil', 'mine');
  for (const challenge of ['r=other,s=AAAA,i=4096', 'r=mine,s=AAAA,i=4096', 'r=mine2,s=AAAA,i=1', 'e=other'])
    expect(() => answer(challenge)).toThrow(/refuses the sign-in/);
});

test('a server that asks for more work than any password needs is refused before it is done', () => {
  const { answer } = scramOf('sha256', 'user', 'pencil', 'mine');
  expect(() => answer('r=mine2,s=AAAA,i=1000001')).toThrow('it asks for 1000001 iterations, above 1000000');
});
