import { afterAll, beforeAll, expect, it } from 'vitest';
import { allowedFromAddress, allowedFromAll, openLockOut, type LockOut } from '#core/identity/lock-out.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { startMigratedPostgres } from '#tests/support/postgres.ts';

const here = '192.0.2.1';

let postgres: Awaited<ReturnType<typeof startMigratedPostgres>>;
let database: Database;
let lockOut: LockOut;

beforeAll(async () => {
  postgres = await startMigratedPostgres();
  const logger = createLogger({ level: 'silent', name: 'test' });
  const setRole = 'ticklake_api';
  database = openDatabase({
    ...{ url: postgres.url, setRole, applicationName: 'test', logger },
    metrics: new Metrics(),
  });
  lockOut = openLockOut(database);
});

afterAll(async () => {
  await database.close();
  await postgres.close();
});

/** `last` before it is locked, `open`, or the seconds it is locked for. */
async function begin(account: string, address = here): Promise<'open' | 'last' | number> {
  try {
    return (await lockOut.begin({ account, address })) ? 'last' : 'open';
  } catch (error) {
    if (!isTicklakeError(error, 'RATE_LIMITED')) throw error;
    return Number(error.context['retryAfterSeconds']);
  }
}

/** As if all locks had run out. */
async function waitForLocks(): Promise<void> {
  await database.query('update identity.sign_in_failures set locked_until = clock_timestamp()');
}

it('locks an account for an address after five attempts, longer each time, a quarter of an hour at most', async () => {
  const account = 'one@example.com';
  const outcomes = [];
  for (let count = 0; count < allowedFromAddress; count += 1) outcomes.push(await begin(account));
  expect(outcomes).toEqual(['open', 'open', 'open', 'open', 'last']);
  const seconds = [];
  for (let round = 0; round < 7; round += 1) {
    seconds.push(await begin(account));
    await waitForLocks();
    expect(await begin(account)).toBe('last');
  }
  const expected = [60, 120, 240, 480, 900, 900, 900];
  for (const [at, most] of expected.entries()) {
    expect(seconds[at]).toBeLessThanOrEqual(most);
    expect(seconds[at]).toBeGreaterThan(most - 30);
  }
  expect(await begin(account, '192.0.2.2')).toBe('open');
});

it('counts attempts at a time as if one came after the other', async () => {
  const outcomes = await Promise.all(Array.from({ length: 40 }, () => begin('rush@example.com')));
  const texts = outcomes.filter((outcome) => typeof outcome === 'string');
  expect(texts.toSorted()).toEqual(['last', 'open', 'open', 'open', 'open']);
});

it('locks an account for all where guesses come from many addresses', async () => {
  const outcomes = [];
  for (let count = 1; count <= allowedFromAll; count += 1) {
    outcomes.push(await begin('many@example.com', `198.51.100.${count}`));
  }
  expect(outcomes.indexOf('last')).toBe(allowedFromAll - 1);
  expect(await begin('many@example.com', here)).toBeGreaterThan(0);
  expect(await begin('other@example.com', '198.51.100.1')).toBe('open');
});

it('begins anew after a right password, and after a day without attempts', async () => {
  const attempt = { account: 'right@example.com', address: here };
  for (let count = 1; count < allowedFromAddress; count += 1) await begin(attempt.account);
  await lockOut.clear(attempt);
  expect(await begin(attempt.account)).toBe('open');
  for (let count = 2; count < allowedFromAddress; count += 1) await begin(attempt.account);
  await database.query(`update identity.sign_in_failures set last_at = last_at - interval '25 hours'`);
  expect(await begin(attempt.account)).toBe('open');
  // Another process forgets those of yesterday altogether.
  await database.query(`update identity.sign_in_failures set last_at = last_at - interval '25 hours'`);
  await openLockOut(database).begin({ account: 'new@example.com', address: here });
  const { rows } = await database.query('select count(*) from identity.sign_in_failures');
  expect(rows).toEqual([{ count: 2 }]);
});

it('keeps no address that was typed', async () => {
  await begin('a secret typed into the wrong field');
  const { rows } = await database.query<{ key: Buffer }>('select key from identity.sign_in_failures');
  expect(rows.some(({ key }) => key.toString('latin1').includes('secret'))).toBe(false);
});
