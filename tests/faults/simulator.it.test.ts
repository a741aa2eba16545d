import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest';
import type { Fault } from '#core/exchanges/simulator/faults.ts';
import { malformedWays } from '#core/exchanges/simulator/malformed.ts';
import { Random } from '#core/exchanges/simulator/random.ts';
import type { Runtime } from '#cli/runtime.ts';
import type { Audit } from './simulator-audit.ts';
import { markets, openDataDir, openVenue, type Venue } from './simulator.ts';

let runtime: Runtime;
let lastSeed = 700;

beforeAll(async () => {
  runtime = await openDataDir();
});
afterAll(async () => {
  await runtime.close();
});

async function venue(): Promise<Venue> {
  const opened = await openVenue(runtime, ++lastSeed);
  onTestFinished(() => opened.close());
  return opened;
}

/** Every id of the tape once, as the venue sent it, or explained; every record received accounted for. */
function expectWhole(audit: Audit): void {
  expect(audit.ids).toBeGreaterThan(0);
  expect(audit.missing).toEqual([]);
  expectTrue(audit);
  expect(audit.listedMissing).toEqual([]);
  expect(audit.report.missing).toBe(0);
  expect(audit.ids).toBe(audit.report.committedFromStream + audit.report.repaired + audit.explained.length);
}

/** What is in the table is the tape's, once, and the counters add up; ids may be missing. */
function expectTrue(audit: Audit): void {
  expect(audit.twice).toEqual([]);
  expect(audit.wrong).toEqual([]);
  expect(audit.contradictory).toEqual([]);
  expect(audit.filesAgree).toBe(true);
  const { tradesReceived, committedFromStream, duplicatesDropped, deadLetters } = audit.report;
  expect(tradesReceived).toBe(committedFromStream + duplicatesDropped + deadLetters);
  expect(tradesReceived).toBe(audit.fromSocket);
  expect(deadLetters).toBe(audit.deadLetters.length);
}

test('without faults, all of it comes by the stream', async () => {
  const simulated = await venue();
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report).toMatchObject({ repaired: 0, deadLetters: 0, duplicatesDropped: 0 });
});

test('ids left out of the stream are brought by REST, and counted apart', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'drop', probability: 0.05, count: 40 });
  await simulated.goesOn();
  await simulated.untilStruck('drop', 40);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report).toMatchObject({ repaired: 40, deadLetters: 0, duplicatesDropped: 0 });
});

test('duplicates are dropped and counted', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'duplicate', probability: 0.5, count: 500 });
  await simulated.goesOn();
  await simulated.untilStruck('duplicate', 500);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report).toMatchObject({ repaired: 0, deadLetters: 0, duplicatesDropped: 500 });
});

test('disorder loses nothing', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'disorder', probability: 0.3, count: 300 });
  await simulated.goesOn();
  await simulated.untilStruck('disorder', 300);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.deadLetters).toEqual([]);
});

test('a connection that ends is made again, and what was missed comes by REST', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'disconnect', count: 2 });
  await simulated.untilStruck('disconnect', 2);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report.repaired).toBeGreaterThan(0);
  expect(audit.deadLetters).toEqual([]);
});

test('each kind of malformed message is refused by its reason and kept as it came', async () => {
  const simulated = await venue();
  const rounds = 3;
  await simulated.fault({ kind: 'malformed', probability: 0.1, count: rounds * malformedWays });
  await simulated.goesOn();
  await simulated.untilStruck('malformed', rounds * malformedWays);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.deadLetters.length).toBe(audit.sentMalformed);
  for (const { reason, isSeen } of malformations) {
    expect(audit.deadLetters.filter((one) => one.reason === reason && isSeen(one.raw))).toHaveLength(rounds);
  }
  const judgedByValue = audit.deadLetters.filter((one) => one.tradeId !== null);
  expect(audit.report.repaired).toBe(audit.sentMalformed - judgedByValue.length);
  expect(explainedIds(audit)).toEqual(
    judgedByValue.map((one) => `${one.symbol} ${one.tradeId} quarantined`).sort(),
  );
});

test('one silent market delays no other, and what it kept back comes by REST', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'silence', symbol: 'BTCUSDT', durationMs: 60_000 });
  await simulated.untilStruck('silence', 100);
  await simulated.goesOn();
  await simulated.clearFaults();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report.repaired).toBe(await simulated.struck('silence'));
});

test('silence of all markets ends in nothing lost', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'silence', durationMs: 60_000 });
  await simulated.untilStruck('silence', 500);
  await simulated.clearFaults();
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report.repaired).toBe(await simulated.struck('silence'));
});

test('a connection that stalls without a word is left for another', async () => {
  const simulated = await venue();
  simulated.proxy.stall();
  await expect.poll(() => simulated.proxy.taken, { timeout: 30_000 }).toBeGreaterThan(1);
  await simulated.goesOn();
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report.repaired).toBeGreaterThan(0);
});

test.each(['429', '418', '5xx'] as const)(
  'while REST answers %s, holes are listed as missing',
  async (kind) => {
    const simulated = await venue();
    await simulated.fault({ kind, durationMs: 60_000 });
    await simulated.fault({ kind: 'drop', probability: 0.05, count: 5 });
    await simulated.untilStruck('drop', 5);
    await simulated.untilStruck(kind, 3);
    await simulated.goesOn();
    await simulated.untilMissing(5);
    await simulated.clearFaults();
    await simulated.untilMissing(0);
    const audit = await simulated.finish();
    expectWhole(audit);
    expect(audit.explained).toEqual([]);
    expect(audit.report).toMatchObject({ repaired: 5, deadLetters: 0 });
  },
);

test('more holes than the venue allows requests for are brought all the same', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: 'drop', probability: 0.2, count: 1_000 });
  await simulated.untilStruck('drop', 1_000);
  await simulated.goesOn();
  await simulated.untilMissing(0);
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report).toMatchObject({ repaired: 1_000, deadLetters: 0 });
});

test('a drain ends though REST forbids what it waits for', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: '429', durationMs: 60_000 });
  await simulated.fault({ kind: 'drop', probability: 0.1, count: 100 });
  await simulated.untilStruck('drop', 100);
  await simulated.goesOn();
  await simulated.end(1_000);
  await simulated.clearFaults();
  const audit = await simulated.audit();
  expectTrue(audit);
  expect(audit.listedMissing).toEqual(audit.missing);
});

test('what REST could not give before the end is still listed, and brought by the next run', async () => {
  const simulated = await venue();
  await simulated.fault({ kind: '5xx', durationMs: 60_000 });
  await simulated.fault({ kind: 'drop', probability: 0.05, count: 5 });
  await simulated.untilStruck('drop', 5);
  await simulated.untilMissing(5);
  await simulated.end(1_000);
  await simulated.clearFaults();
  const cutShort = await simulated.audit();
  expectTrue(cutShort);
  expect(cutShort.missing).toHaveLength(5);
  expect(cutShort.listedMissing).toEqual(cutShort.missing);
  expect(cutShort.explained).toEqual([]);
  expect(cutShort.report).toMatchObject({ missing: 5, repaired: 0 });

  await simulated.restart();
  await simulated.untilMissing(0);
  const audit = await simulated.finish();
  expectWhole(audit);
});

test('ingest starts while REST is down, on markets that it knows', async () => {
  const simulated = await venue();
  await simulated.end(30_000);
  await simulated.fault({ kind: '5xx', durationMs: 60_000 });
  await simulated.restart();
  await simulated.goesOn();
  await simulated.clearFaults();
  await simulated.untilMissing(0);
  const audit = await simulated.finish();
  expectWhole(audit);
  expect(audit.report.repaired).toBeGreaterThan(0);
});

test.each([1, 2, 3, 4])(
  'faults together, chosen from seed %i, lose nothing and hide nothing',
  async (seed) => {
    const faults = chooseFaults(seed);
    const story = JSON.stringify(faults);
    const simulated = await venue();
    for (const fault of faults) await simulated.fault(fault);
    await simulated.goesOn();
    await simulated.clearFaults();
    await simulated.goesOn();
    const audit = await simulated.finish();
    expectWhole(audit);
    expect(audit.deadLetters.length, story).toBeLessThanOrEqual(audit.sentMalformed);
    // A refused id is explained unless a good copy came as well.
    const refused = audit.deadLetters.map((one) => `${one.symbol} ${one.tradeId} quarantined`);
    expect(refused, story).toEqual(expect.arrayContaining(explainedIds(audit)));
  },
);

/** What the simulator does to a message, and the reason by which it must be refused. */
const malformations: readonly { reason: string; isSeen: (raw: string) => boolean }[] = [
  { reason: 'not JSON', isSeen: (raw) => !/}}$/.test(messageIn(raw)) },
  { reason: 'price is not decimal text', isSeen: (raw) => !messageIn(raw).includes('"p":') },
  { reason: 'price is not decimal text', isSeen: (raw) => messageIn(raw).includes('"p":"-') },
  { reason: 'quantity is not decimal text', isSeen: (raw) => messageIn(raw).includes('"q":"NaN"') },
  { reason: 'quantity is not decimal text', isSeen: (raw) => messageIn(raw).includes('"q":{}') },
  {
    reason: 'trade id is not a safe non-negative integer',
    isSeen: (raw) => /"t":"\d+"/.test(messageIn(raw)),
  },
  { reason: "symbol is not its stream's", isSeen: (raw) => messageIn(raw).includes('NOSUCHCOIN') },
  { reason: 'price is not positive', isSeen: (raw) => raw.includes('"price":"0.00000000"') },
  { reason: 'timestamp is out of range', isSeen: (raw) => raw.includes('"timestamp_us":4102444800000000,') },
  { reason: 'timestamp is out of range', isSeen: (raw) => raw.includes('"timestamp_us":978307200000000,') },
];

/** The venue's own text in a dead letter of what the adapter refused. */
function messageIn(raw: string): string {
  return (JSON.parse(raw) as { raw: string }).raw;
}

function explainedIds(audit: Audit): string[] {
  return audit.explained.map(({ symbol, id, cause }) => `${symbol} ${id} ${cause}`).sort();
}

function chooseFaults(seed: number): Fault[] {
  const random = new Random(seed);
  const chance = () => 0.02 + 0.1 * random.next();
  const faults: Fault[] = [
    { kind: 'drop', probability: chance(), count: 60 },
    { kind: 'duplicate', probability: chance(), count: 200 },
    { kind: 'disorder', probability: chance(), count: 200 },
    { kind: 'malformed', probability: chance(), count: 40 },
    { kind: 'disconnect', count: 1 + Math.floor(2 * random.next()) },
    { kind: 'silence', symbol: markets[Math.floor(markets.length * random.next())] ?? 'BTCUSDT', count: 150 },
    { kind: '429', probability: 0.3, count: 2 },
    { kind: '5xx', probability: 0.5, count: 6 },
  ];
  return faults.filter(() => random.next() < 0.7);
}
