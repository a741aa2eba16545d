import { expect, test } from 'vitest';
import { claimsOf, type ClaimOptions } from '#pipelines/backfill-klines/claims.ts';
import type { LoadedFile } from '#pipelines/backfill-klines/explain.ts';
import type { KlineFile } from '#pipelines/backfill-klines/select.ts';
import { day } from '#tests/core/exchanges/binance/archive/support.ts';

const us = (time: string) => Date.parse(time) * 1_000;

function fileOf(label: string, interval: '1m' | '1d' = '1m'): KlineFile {
  return { ...day(label, { kind: 'klines', symbol: 'BTCUSDT', interval }), interval };
}

function loaded(file: KlineFile, lo: string): LoadedFile {
  return { file, lo: us(lo), hi: file.period.toUs, sha256: '', rows: 1, keys: [] };
}

function claims(files: KlineFile[], own: Partial<ClaimOptions> = {}, of: LoadedFile[] = []) {
  const before = new Map(files.slice(1).map((file, i) => [file.path, files[i] ?? file]));
  const within = { fromUs: 0, toUs: Number.MAX_SAFE_INTEGER };
  const options = { before, within, isBounded: false, nowUs: us('2025-01-01'), ...own };
  return claimsOf(files, of, options).map(({ lo, hi }) => [lo, hi]);
}

test('files claim their days, neighbours as one, damaged ones too', () => {
  const files = ['2024-03-04', '2024-03-05', '2024-03-08'].map((label) => fileOf(label));
  const of = files.slice(0, 1).map((file) => loaded(file, '2024-03-04T03:00Z'));
  const days = [
    [us('2024-03-04'), us('2024-03-06')],
    [us('2024-03-08'), us('2024-03-09')],
  ];
  expect(claims(files, {}, of)).toEqual(days);
  // Who names a span expects what lies between them as well, and nothing outside.
  const within = { fromUs: us('2024-03-04T12:00:30Z'), toUs: us('2024-03-08T12:00:30Z') };
  expect(claims(files, { isBounded: true, within })).toEqual([
    [us('2024-03-04T12:01Z'), us('2024-03-08T12:01Z')],
  ]);
});

test("a market's first month is claimed from its first bar, and never what is not closed", () => {
  const files = [fileOf('2024-02', '1d'), fileOf('2024-03', '1d')];
  const of = files.slice(0, 1).map((file) => loaded(file, '2024-02-10'));
  expect(claims(files, { nowUs: us('2024-03-15T12:00Z') }, of)).toEqual([
    [us('2024-02-10'), us('2024-03-15')],
  ]);
  // Of a first month that is damaged nobody knows when it begins.
  expect(claims(files)).toEqual([[us('2024-02-01'), us('2024-04-01')]]);
});
