import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { type Config, loadConfig } from '#core/platform/config.ts';
import { isTicklakeError } from '#core/platform/errors.ts';
import packageJson from '#package.json' with { type: 'json' };

interface Service {
  image: string;
  build?: { context: string; dockerfile: string };
  command?: string[];
  environment: Record<string, string | number>;
  ports?: string[];
  volumes: string[];
  depends_on?: Record<string, { condition: string }>;
  healthcheck: { test: string[]; interval: string; timeout: string; retries: number };
  mem_limit: string;
  cpus: number;
}

interface Compose {
  services: Record<string, Service>;
  volumes: Record<string, null>;
}

const root = join(import.meta.dirname, '../..');
const passwords = {
  ...{ POSTGRES_PASSWORD: 'hunter1', INGEST_PASSWORD: 'hunter2', API_PASSWORD: 'hunter3' },
  ...{ TRADER_PASSWORD: 'hunter4', EVENTS_PASSWORD: 'hunter5' },
};
const { services, volumes } = await readCompose(passwords);
const roles = ['exchange', 'ingest', 'stream', 'trader', 'events', 'api', 'scheduler'] as const;

async function readCompose(variables: Record<string, string>): Promise<Compose> {
  const parsed: unknown = parse(await readFile(join(root, 'docker-compose.yml'), 'utf8'), { merge: true });
  // As Compose does: in the values, once they are parsed.
  return JSON.parse(JSON.stringify(parsed), (_key, value: unknown) =>
    typeof value === 'string' ? interpolate(value, variables) : value,
  ) as Compose;
}

/** `${NAME:-default}`, `${NAME-default}` and `${NAME:?message}`, as Compose reads them. */
function interpolate(text: string, variables: Record<string, string>): string {
  return text.replace(
    /\$\{(\w+)(:?)([-?])([^}]*)\}/g,
    (_, name: string, colon: string, kind: string, word: string) => {
      const value = variables[name];
      if (value !== undefined && !(colon === ':' && value === '')) return value;
      if (kind === '?') throw new Error(`${name}: ${word}`);
      return word;
    },
  );
}

function service(name: string, among = services): Service {
  const found = among[name];
  if (found === undefined) throw new Error(`No service ${name}`);
  return found;
}

function configOf(name: string, among = services): Config {
  const environment = Object.entries(service(name, among).environment).map(([key, value]) => [
    key,
    String(value),
  ]);
  return loadConfig({ env: Object.fromEntries(environment) as Record<string, string>, cwd: '/app' });
}

test('these are the services, and every volume that is named is declared', () => {
  expect(Object.keys(services).toSorted()).toEqual(['postgres', 'kafka', ...roles].toSorted());
  const named = Object.values(services)
    .flatMap((one) => one.volumes.map((volume) => volume.split(':')[0] ?? ''))
    .filter((source) => !source.startsWith('.'));
  expect([...new Set(named)].toSorted()).toEqual(Object.keys(volumes).toSorted());
});

describe.each(Object.keys(services))('%s', (name) => {
  const { healthcheck, mem_limit, cpus, image, depends_on, ports } = service(name);

  test('has a health check, limits and a pinned image', () => {
    expect(healthcheck.test[0]).toBe('CMD');
    expect(healthcheck).toMatchObject({
      interval: expect.any(String),
      timeout: expect.any(String),
      retries: expect.any(Number),
    });
    expect(mem_limit).toMatch(/^\d+[mg]$/);
    expect(cpus).toBeGreaterThan(0);
    expect(image).toMatch(/:\d+(\.\d+)*$/);
  });

  test('waits for services that exist, and is published on loopback only', () => {
    for (const needed of Object.keys(depends_on ?? {})) expect(services).toHaveProperty(needed);
    for (const port of ports ?? []) expect(port).toMatch(/^127\.0\.0\.1:\d+:\d+$/);
  });
});

describe.each(roles)('role %s', (role) => {
  const { command, image, build, volumes: mounts, environment } = service(role);

  test('runs its role from the package’s own image', async () => {
    expect(command).toEqual(['run', role]);
    expect(image).toBe(`ticklake:${packageJson.version}`);
    expect((await stat(join(root, build?.dockerfile ?? ''))).isFile()).toBe(true);
  });

  test('has an environment that the configuration accepts, with folders that are mounted', () => {
    const config = configOf(role);
    const targets = mounts.map((mount) => mount.split(':')[1]);
    expect(targets).toContain(config.dataDir);
    if (role !== 'exchange') expect(targets).toContain(config.warehouse);
    expect(Object.keys(environment).filter((key) => !key.startsWith('TICKLAKE_'))).toEqual([]);
  });
});

test('the image has neither secrets, nor the history, nor what is for developers alone', async () => {
  const left = (await readFile(join(root, '.dockerignore'), 'utf8')).split('\n');
  expect(left).toEqual(expect.arrayContaining(['.env', '.git', '.ticklake', 'tests', 'bench']));
  expect(await readFile(join(root, 'deploy/Dockerfile'), 'utf8')).toMatch(
    /npm prune --omit=dev[\s\S]*NODE_ENV=production/,
  );
});

describe('the parts meet', () => {
  const exchange = configOf('exchange');
  const ingest = configOf('ingest');
  const api = configOf('api');
  const scheduler = configOf('scheduler');
  const stream = configOf('stream');
  const trader = configOf('trader');
  const events = configOf('events');

  test('Postgres', () => {
    const { environment } = service('postgres');
    const owner = `postgres://${environment['POSTGRES_USER']}:hunter1@postgres:5432/${environment['POSTGRES_DB']}`;
    expect(ingest.databaseUrl).toBe(owner);
    // Who is reached from outside has no right to change the schema.
    expect(api.databaseUrl).toBeUndefined();
    expect(ingest.databaseUrlIngest).toBe('postgres://ticklake_login_ingest:hunter2@postgres:5432/ticklake');
    expect(api.databaseUrlApi).toBe('postgres://ticklake_login_api:hunter3@postgres:5432/ticklake');
    expect(trader.databaseUrlTrader).toBe('postgres://ticklake_login_trader:hunter4@postgres:5432/ticklake');
    // Who moves orders has neither the schema nor users.
    expect([trader.databaseUrl, trader.databaseUrlIngest, trader.databaseUrlApi]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(events.databaseUrlEvents).toBe('postgres://ticklake_login_events:hunter5@postgres:5432/ticklake');
    expect([events.databaseUrl, events.databaseUrlApi, events.databaseUrlTrader]).toEqual([
      undefined,
      undefined,
      undefined,
    ]);
    expect(environment).toMatchObject(passwords);
    // The jobs and the stream have the rights of ingest, and leave the schema to it.
    for (const role of [scheduler, stream]) {
      expect(role.databaseUrlIngest).toBe(ingest.databaseUrlIngest);
      expect(role.databaseUrl).toBeUndefined();
    }
    expect(ingest.databaseUrlApi).toBeUndefined();
    expect(api.databaseUrlIngest).toBeUndefined();
  });

  test('the logins that the roles use are made, in groups of the migrations', async () => {
    const script = await readFile(join(root, 'deploy/postgres/logins.sh'), 'utf8');
    const migrations = ['0001_roles', '0094_trader', '0112_events'].map((name) =>
      join(root, `sql/migrations/${name}.sql`),
    );
    const migration = (await Promise.all(migrations.map((path) => readFile(path, 'utf8')))).join('');
    for (const role of ['ingest', 'api', 'trader', 'events']) {
      expect(script).toContain(
        `create role ticklake_login_${role} login password :'${role}_password' in role ticklake_${role};`,
      );
      expect(migration).toMatch(new RegExp(`create role ticklake_${role} nologin|'ticklake_${role}'`));
    }
    expect(service('postgres').volumes).toContain(
      './deploy/postgres/logins.sh:/docker-entrypoint-initdb.d/logins.sh:ro',
    );
  });

  test('the keys that secrets are sealed with', () => {
    expect(events.webhookKeyFile).toBe(api.webhookKeyFile);
    for (const name of ['api', 'events']) expect(service(name).volumes).toContain('keys:/keys');
    const others = roles.filter((role) => role !== 'api' && role !== 'events');
    for (const name of others) expect(service(name).volumes.join()).not.toContain('keys');
  });

  test('Kafka', () => {
    const { environment } = service('kafka');
    expect(environment['KAFKA_ADVERTISED_LISTENERS']).toBe(`PLAINTEXT://${ingest.kafkaBrokers?.join(',')}`);
    expect(api.kafkaBrokers).toEqual(ingest.kafkaBrokers);
    expect(scheduler.kafkaBrokers).toEqual(ingest.kafkaBrokers);
  });

  test('the exchange, the API and their health checks', () => {
    expect(exchange.simulatorHost).toBe('0.0.0.0');
    expect(ingest.exchangeUrl).toBe(`http://exchange:${exchange.simulatorPort}`);
    expect(ingest.exchangeWsUrl).toBe(`ws://exchange:${exchange.simulatorPort}`);
    expect(scheduler).toMatchObject({
      exchange: ingest.exchange,
      exchangeUrl: ingest.exchangeUrl,
      exchangeWsUrl: ingest.exchangeWsUrl,
    });
    expect(service('exchange').healthcheck.test.join(' ')).toContain(
      `http://127.0.0.1:${exchange.simulatorPort}/`,
    );
    expect(service('exchange').ports).toBeUndefined();
    expect(api).toMatchObject({ apiHost: '0.0.0.0', apiInsideContainer: true });
    expect(service('api').ports).toEqual([`127.0.0.1:8080:${api.apiPort}`]);
    expect(service('api').healthcheck.test.join(' ')).toContain(
      `http://127.0.0.1:${api.apiPort}/health/ready`,
    );
  });

  test.each(['api', 'scheduler'] as const)('ingest and %s share the warehouse, and nothing else', (name) => {
    const shared = service(name).volumes.filter((volume) => service('ingest').volumes.includes(volume));
    expect(shared).toEqual([`warehouse:${ingest.warehouse}`]);
    expect(configOf(name).warehouse).toBe(ingest.warehouse);
  });
});

test('variables put the live exchange in place of the simulator', async () => {
  const live = { ...passwords, EXCHANGE: 'binance', EXCHANGE_URL: '', EXCHANGE_WS_URL: '' };
  for (const role of ['ingest', 'scheduler']) {
    const config = configOf(role, (await readCompose(live)).services);
    expect(config.exchange).toBe('binance');
    expect(config.exchangeUrl).toBeUndefined();
  }
});

test.each(Object.keys(passwords))('without %s nothing starts', async (name) => {
  const others = Object.fromEntries(Object.entries(passwords).filter(([key]) => key !== name));
  await expect(readCompose(others)).rejects.toThrow(`${name}: set it in .env`);
});

test('a key that the configuration does not know would be noticed', () => {
  const wrong = {
    api: { ...service('api'), environment: { ...service('api').environment, TICKLAKE_API_PROT: '1' } },
  };
  expect(() => configOf('api', wrong)).toThrow(
    expect.toSatisfy((error) => isTicklakeError(error, 'CONFIG_INVALID')),
  );
});
