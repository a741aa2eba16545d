import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { expect, onTestFinished, test } from 'vitest';
import type { Check } from '#cli/doctor-checks.ts';
import { accountOfKey } from '#core/exchanges/simulator/orders/account-of-key.ts';
import { openSimulator } from '#tests/core/exchanges/simulator/support.ts';
import { runCli } from './support.ts';

function checksOf(stdout: string): Map<string, Check> {
  const { checks } = JSON.parse(stdout) as { checks: Check[] };
  return new Map(checks.map((check) => [check.name, check]));
}

test('what this product brings is there; every check has a finding and a remedy', async () => {
  const { stdout, stderr, code } = await runCli(['doctor', '--json'], { TICKLAKE_API_PORT: '0' });
  const checks = checksOf(stdout);
  for (const name of ['Node', 'Postgres binaries', 'DuckDB'])
    expect(checks.get(name)).toMatchObject({ ok: true });
  expect(checks.get('Postgres binaries')?.found).toContain('18.');
  for (const check of checks.values()) {
    expect(check.found).not.toBe('');
    expect(check.remedy).toMatch(/\.$/);
  }
  const lacking = [...checks.values()].filter((check) => check.needed && !check.ok);
  expect(code).toBe(lacking.length === 0 ? 0 : 75);
  expect(stderr === '').toBe(lacking.length === 0);
});

test('a port in use is missing, with its remedy, and the exit code says so', async () => {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(async () => await new Promise((resolve) => server.close(() => resolve())));
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const env = { TICKLAKE_API_PORT: String(port) };

  const json = await runCli(['doctor', '--json'], env);
  expect(json.code).toBe(75);
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false });
  expect(checksOf(json.stdout).get(`port ${port}`)).toMatchObject({ ok: false, needed: true });

  const table = await runCli(['doctor'], env);
  expect(table.stdout).toMatch(new RegExp(`^port ${port} +missing +.*TICKLAKE_API_PORT`, 'm'));
  expect(table.stderr).toContain(`Missing: port ${port}`);
});

test('with a Postgres given, the embedded one is not needed', async () => {
  const env = { TICKLAKE_API_PORT: '0', TICKLAKE_DATABASE_URL: 'postgres://db/lake' };
  expect(checksOf((await runCli(['doctor', '--json'], env)).stdout).get('Postgres binaries')?.needed).toBe(
    false,
  );
});

test('the exchange key is tried where orders may go there, and is shown by nobody', async () => {
  const key = { type: 'hmac' as const, apiKey: 'test-key', secret: 'hush-hush-hush' };
  const simulator = await openSimulator({ symbols: 5, accounts: [accountOfKey(key)] });
  onTestFinished(async () => await simulator.close());
  const env = {
    TICKLAKE_API_PORT: '0',
    TICKLAKE_EXCHANGE_ORDERS_URL: simulator.url,
    TICKLAKE_EXCHANGE_API_KEY: key.apiKey,
    TICKLAKE_EXCHANGE_API_SECRET: key.secret,
  };
  const without = await runCli(['doctor', '--json'], env);
  expect(checksOf(without.stdout).has('exchange key')).toBe(false);

  const live = { ...env, TICKLAKE_LIVE_TRADING: 'true' };
  const found = checksOf((await runCli(['doctor', '--json'], live)).stdout).get('exchange key');
  expect(found).toMatchObject({ ok: true, needed: true });
  expect(found?.found).toMatch(/^3 assets, 0 open orders, its clock -?\d+ ms ahead$/);

  const wrong = await runCli(['doctor', '--json'], { ...live, TICKLAKE_EXCHANGE_API_SECRET: 'not-it' });
  expect(checksOf(wrong.stdout).get('exchange key')).toMatchObject({ ok: false });
  expect(wrong.stdout + wrong.stderr).not.toMatch(/test-key|not-it|signature=/);
});
