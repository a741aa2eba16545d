import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { VirtualClock } from '#core/exchanges/simulator/clock.ts';

const tape = { seed: 1, rate: 1 };
let folder: string;
let file: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'clock-'));
  file = join(folder, 'clock.json');
});
afterEach(() => rmSync(folder, { recursive: true }));

const kept = () => (JSON.parse(readFileSync(file, 'utf8')) as { nowUs: number }).nowUs;

it('writes ahead of time: who is killed goes on at or after what was seen', () => {
  const clock = new VirtualClock({ file, tape, startUs: 1_000 });
  for (let us = 1_000; us < 10_000; us += 70) {
    clock.advance(us, 500);
    expect(kept()).toBeGreaterThanOrEqual(clock.nowUs);
    expect(kept()).toBeLessThanOrEqual(clock.nowUs + 500);
    expect(new VirtualClock({ file, tape, startUs: 0 }).nowUs).toBe(kept());
  }
});

it('goes on exactly where it was closed, and never back', () => {
  const clock = new VirtualClock({ file, tape, startUs: 1_000 });
  clock.advance(5_000, 500);
  clock.advance(4_000, 500);
  clock.close();
  expect(new VirtualClock({ file, tape, startUs: 9_999 }).nowUs).toBe(5_000);
});

it('refuses the time of another tape, and what is none', () => {
  new VirtualClock({ file, tape, startUs: 1_000 }).close();
  expect(() => new VirtualClock({ file, tape: { seed: 2, rate: 1 }, startUs: 0 })).toThrow('another tape');
  writeFileSync(file, '{"seed":1');
  expect(() => new VirtualClock({ file, tape, startUs: 0 })).toThrow(file);
});

it('stands where it cannot write', () => {
  const clock = new VirtualClock({ file, tape, startUs: 1_000 });
  mkdirSync(`${file}.tmp`);
  expect(() => clock.advance(2_000, 0)).toThrow('EISDIR');
  expect(clock.nowUs).toBe(1_000);
});
