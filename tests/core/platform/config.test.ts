import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { rootCertificates } from 'node:tls';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, onTestFinished, test } from 'vitest';
import {
  type Config,
  configDocs,
  loadConfig,
  type LoadOptions,
  maskedConfig,
} from '#core/platform/config.ts';
import { configKeys } from '#core/platform/config-schema.ts';
import { envName } from '#core/platform/config-sources.ts';
import { isTicklakeError, type TicklakeError } from '#core/platform/errors.ts';

const cwd = '/somewhere';

function load(env: Record<string, string> = {}, more: Partial<LoadOptions> = {}): Config {
  return loadConfig({ env, cwd, ...more });
}

function refusal(env: Record<string, string>, more: Partial<LoadOptions> = {}): TicklakeError {
  try {
    load(env, more);
  } catch (error) {
    if (isTicklakeError(error, 'CONFIG_INVALID')) return error;
    throw error;
  }
  throw new Error('The configuration was accepted');
}

async function folderWith(files: Record<string, string>): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'ticklake-config-'));
  onTestFinished(async () => await rm(folder, { recursive: true }));
  for (const [name, text] of Object.entries(files)) await writeFile(join(folder, name), text);
  return folder;
}

describe('where values come from', () => {
  test('defaults need nothing', () => {
    const config = load();
    expect(config).toMatchObject({
      dataDir: '/somewhere/.ticklake',
      warehouse: '/somewhere/.ticklake/warehouse',
      exchange: 'simulator',
      simulatorSpeed: 1,
      apiHost: '127.0.0.1',
      ingestBatchRecords: 1_000,
      ingestBatchMs: 10_000,
    });
    expect(config.symbols).toHaveLength(10);
    expect(config.databaseUrl).toBeUndefined();
    expect(config.kafkaBrokers).toBeUndefined();
  });

  test('the environment is read by type', () => {
    const config = load({
      TICKLAKE_API_PORT: '9000',
      TICKLAKE_SIMULATOR_SPEED: 'max',
      TICKLAKE_API_INSIDE_CONTAINER: 'true',
      TICKLAKE_API_HOST: '0.0.0.0',
      TICKLAKE_SYMBOLS: 'BTCUSDT, ETHUSDT',
      TICKLAKE_KAFKA_BROKERS: 'a:9092,b:9092',
    });
    expect(config).toMatchObject({
      apiPort: 9000,
      simulatorSpeed: 'max',
      apiInsideContainer: true,
      symbols: ['BTCUSDT', 'ETHUSDT'],
      kafkaBrokers: ['a:9092', 'b:9092'],
    });
    expect(load({ TICKLAKE_SIMULATOR_SPEED: '2.5' }).simulatorSpeed).toBe(2.5);
  });

  test('an empty variable is not set, and names of others are not looked at', () => {
    expect(
      load({ TICKLAKE_API_PORT: '', PATH: '/bin', TICKLAKE_REQUIRE: 'all', TICKLAKE_MARKET_DATA: '/d' }),
    ).toEqual(load());
  });

  test('overrides win over the environment, the environment over the file, the file over defaults', async () => {
    const folder = await folderWith({
      'ticklake.json': JSON.stringify({
        apiPort: 1,
        simulatorSeed: 1,
        logPartitions: 1,
        exchange: 'binance',
      }),
    });
    const env = { TICKLAKE_SIMULATOR_SEED: '2', TICKLAKE_LOG_PARTITIONS: '2' };
    const config = load(env, { cwd: folder, overrides: { logPartitions: '3', apiPort: undefined } });
    expect(config).toMatchObject({ exchange: 'binance', apiPort: 1, simulatorSeed: 2, logPartitions: 3 });
  });

  test('a named file is used in place of ticklake.json', async () => {
    const folder = await folderWith({
      'ticklake.json': '{"apiPort": 1}',
      'a.json': '{"apiPort": 2}',
      'b.json': '{"apiPort": 3}',
    });
    expect(load({ TICKLAKE_CONFIG: 'a.json' }, { cwd: folder }).apiPort).toBe(2);
    expect(load({ TICKLAKE_CONFIG: 'a.json' }, { cwd: folder, file: 'b.json' }).apiPort).toBe(3);
  });

  test('a secret is read from a file', async () => {
    const folder = await folderWith({ url: 'postgres://ticklake@db/ticklake\n' });
    expect(load({ TICKLAKE_DATABASE_URL_FILE: 'url' }, { cwd: folder }).databaseUrl).toBe(
      'postgres://ticklake@db/ticklake',
    );
    expect(load({ TICKLAKE_DATABASE_URL_API_FILE: join(folder, 'url') }).databaseUrlApi).toBe(
      'postgres://ticklake@db/ticklake',
    );
  });

  test('every whole number survives the way through the environment', () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 4_294_967_295 }), (seed) => {
        expect(load({ TICKLAKE_SIMULATOR_SEED: String(seed) }).simulatorSeed).toBe(seed);
      }),
    );
  });
});

describe('what is refused', () => {
  test.each([
    [
      'TICKLAKE_API_PORT',
      '70000',
      'TICKLAKE_API_PORT is the number 70000, allowed is a whole number from 0 to 65535',
    ],
    [
      'TICKLAKE_API_PORT',
      '1.5',
      'TICKLAKE_API_PORT is the fraction 1.5, allowed is a whole number from 0 to 65535',
    ],
    [
      'TICKLAKE_API_PORT',
      'http',
      'TICKLAKE_API_PORT is text of 4 characters, allowed is a whole number from 0 to 65535',
    ],
    [
      'TICKLAKE_EXCHANGE',
      'mtgox',
      'TICKLAKE_EXCHANGE is text of 5 characters, allowed is one of simulator, binance',
    ],
    [
      'TICKLAKE_SIMULATOR_SPEED',
      '0',
      'TICKLAKE_SIMULATOR_SPEED is the number 0, allowed is a number above 0 or max',
    ],
    [
      'TICKLAKE_API_INSIDE_CONTAINER',
      'yes',
      'TICKLAKE_API_INSIDE_CONTAINER is text of 3 characters, allowed is true or false',
    ],
    [
      'TICKLAKE_SYMBOLS',
      'btcusdt',
      'TICKLAKE_SYMBOLS is a list of 1 with text of 7 characters, allowed is a list of 1 to 1000',
    ],
    ['TICKLAKE_KAFKA_BROKERS', 'kafka', 'allowed is a list, each `host:port`'],
    ['TICKLAKE_WAREHOUSE', 's3://bucket/lake', 'allowed is the path of a folder, or a `file:///` URI'],
    ['TICKLAKE_DATABASE_URL', 'mysql://db', 'allowed is a URL `postgres://'],
    ['TICKLAKE_INGEST_BATCH_RECORDS', '600000', 'ingestBatchRecords is above ingestMaxBatchRecords'],
    [
      'TICKLAKE_API_HOST',
      '0.0.0.0',
      'apiHost is not a loopback address, allowed only with apiInsideContainer or apiPublic',
    ],
    ['TICKLAKE_API_PUBLIC', 'true', 'apiPublic is true without apiTrustedProxies'],
  ])('%s=%s', (name, value, message) => {
    const error = refusal({ [name]: value });
    expect(error.message).toContain(message);
    expect(error.exitCode).toBe(64);
    expect(error.remedy).toBeDefined();
  });

  test('an unknown name, with the closest known one', () => {
    expect(refusal({ TICKLAKE_API_PROT: '1' }).message).toContain(
      'TICKLAKE_API_PROT is not a known key (did you mean TICKLAKE_API_PORT?)',
    );
    expect(refusal({}, { overrides: { symbol: 'A' } }).message).toContain(
      'symbol is not a known key (did you mean symbols?)',
    );
    expect(refusal({ TICKLAKE_QQQQQQQQQQQQQQQQQQ: '1' }).message).not.toContain('did you mean');
  });

  test('all problems at once', async () => {
    const folder = await folderWith({ 'ticklake.json': '{"apiPort": "80", "nonsense": 1}' });
    const error = refusal({ TICKLAKE_EXCHANGE: 'x', TICKLAKE_SYMBOL: 'A' }, { cwd: folder });
    expect(error.context['problems']).toHaveLength(4);
  });

  test('values are never shown', () => {
    const error = refusal({ TICKLAKE_DATABASE_URL: 'mysql://me:hunter2@db' });
    expect(JSON.stringify([error.message, error.remedy, error.context])).not.toContain('hunter2');
  });

  test('a file that is missing, torn or not an object', async () => {
    const folder = await folderWith({ 'torn.json': '{"apiPort":', 'list.json': '[]' });
    expect(refusal({}, { cwd: folder, file: 'missing.json' }).message).toContain('cannot be read');
    expect(refusal({}, { cwd: folder, file: 'torn.json' }).message).toContain('cannot be read as JSON');
    expect(refusal({}, { cwd: folder, file: 'list.json' }).message).toContain('not a JSON object');
    expect(refusal({ TICKLAKE_DATABASE_URL_FILE: 'missing' }, { cwd: folder }).message).toContain(
      'TICKLAKE_DATABASE_URL_FILE names a file',
    );
  });

  test('a secret that is given twice', () => {
    const env = { TICKLAKE_DATABASE_URL: 'postgres://a/b', TICKLAKE_DATABASE_URL_FILE: '/dev/null' };
    expect(refusal(env).message).toContain('are both set');
  });
});

describe('TLS', () => {
  const certificate = rootCertificates[0] ?? '';
  const url = 'postgres://me:hunter2@db:5432/lake';

  test('an authority stands in every URL of Postgres', async () => {
    const folder = await folderWith({ 'ca.pem': certificate });
    const config = load(
      {
        TICKLAKE_DATABASE_URL: url,
        TICKLAKE_DATABASE_URL_API: `${url}?sslmode=verify-full&sslrootcert=/other.pem`,
        TICKLAKE_DATABASE_CA_FILE: 'ca.pem',
      },
      { cwd: folder },
    );
    const path = join(folder, 'ca.pem');
    const searchOf = (text = ''): object => Object.fromEntries(new URL(text).searchParams);
    expect(config.databaseCaFile).toBe(path);
    expect(searchOf(config.databaseUrl)).toEqual({ sslmode: 'verify-full', sslrootcert: path });
    expect(searchOf(config.databaseUrlApi)).toEqual({ sslmode: 'verify-full', sslrootcert: '/other.pem' });
    expect(config.databaseUrlIngest).toBeUndefined();
  });

  test('what does not ask who answers is refused, and what contradicts itself', async () => {
    const folder = await folderWith({ 'ca.pem': certificate, 'not.pem': 'nothing' });
    const refusals: [Record<string, string>, string][] = [
      ...['prefer', 'require', 'verify-ca', 'no-verify'].map((mode): [Record<string, string>, string] => [
        { TICKLAKE_DATABASE_URL: `${url}?sslmode=${mode}` },
        `databaseUrl has the sslmode ${mode}, allowed is verify-full`,
      ]),
      [{ TICKLAKE_DATABASE_URL: `${url}?ssl=true` }, 'allowed is `sslmode`'],
      [
        { TICKLAKE_DATABASE_URL: 'postgres://a:1,b:2/lake', TICKLAKE_DATABASE_CA_FILE: 'ca.pem' },
        'is no URL of one',
      ],
      [
        { TICKLAKE_DATABASE_URL: `${url}?sslmode=disable`, TICKLAKE_DATABASE_CA_FILE: 'ca.pem' },
        'sslmode disable beside databaseCaFile',
      ],
      [{ TICKLAKE_DATABASE_CA_FILE: 'missing.pem' }, 'databaseCaFile names a file that has no certificate'],
      [{ TICKLAKE_DATABASE_CA_FILE: 'not.pem' }, 'databaseCaFile names a file that has no certificate'],
      [{ TICKLAKE_KAFKA_CA_FILE: 'ca.pem' }, 'kafkaCaFile is set without kafkaTls'],
      [{ TICKLAKE_KAFKA_USER: 'ann' }, 'some are set, allowed are all or none'],
      [
        { TICKLAKE_KAFKA_SASL: 'plain', TICKLAKE_KAFKA_USER: 'ann', TICKLAKE_KAFKA_PASSWORD: 'x' },
        'kafkaSasl is plain without kafkaTls',
      ],
    ];
    for (const [env, message] of refusals) expect(refusal(env, { cwd: folder }).message).toContain(message);
  });
});

describe('orders at the exchange', () => {
  const key = { TICKLAKE_EXCHANGE_API_KEY: 'abc-DEF_123', TICKLAKE_EXCHANGE_API_SECRET: 'hunter2' };

  test('are off by default, and with a key alone', () => {
    expect(load({}).liveTrading).toBe(false);
    expect(load(key)).toMatchObject({ liveTrading: false, exchangeApiKeyType: 'hmac' });
    expect(load({ ...key, TICKLAKE_LIVE_TRADING: 'true' }).liveTrading).toBe(true);
  });

  test('take a key, and both of its halves', () => {
    const { TICKLAKE_EXCHANGE_API_KEY, TICKLAKE_EXCHANGE_API_SECRET } = key;
    const refusals: [Record<string, string>, string][] = [
      [{ TICKLAKE_LIVE_TRADING: 'true' }, 'liveTrading is true without exchangeApiKey'],
      [
        { ...key, TICKLAKE_LIVE_TRADING: 'true', TICKLAKE_SIMULATOR_SPEED: '60' },
        'liveTrading is true at another simulatorSpeed than 1',
      ],
      [{ TICKLAKE_EXCHANGE_API_KEY }, 'exchangeApiKey and exchangeApiSecret: one is set'],
      [{ TICKLAKE_EXCHANGE_API_SECRET }, 'exchangeApiKey and exchangeApiSecret: one is set'],
      [{ ...key, TICKLAKE_EXCHANGE_API_KEY: 'with space' }, 'TICKLAKE_EXCHANGE_API_KEY is text'],
      [{ ...key, TICKLAKE_EXCHANGE_API_KEY_TYPE: 'rsa' }, 'allowed is one of hmac, ed25519'],
    ];
    for (const [env, message] of refusals) {
      const refused = refusal(env).message;
      expect(refused).toContain(message);
      for (const secret of Object.values(key)) expect(refused).not.toContain(secret);
    }
  });

  test('take the secret from a file, and show neither half', async () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nhunter2\n-----END PRIVATE KEY-----\n';
    const folder = await folderWith({ secret: pem });
    const { TICKLAKE_EXCHANGE_API_KEY } = key;
    const env = { TICKLAKE_EXCHANGE_API_KEY, TICKLAKE_EXCHANGE_API_SECRET_FILE: 'secret' };
    const config = load(env, { cwd: folder });
    expect(config.exchangeApiSecret?.trim()).toBe(pem.trim());
    expect(maskedConfig(config)).toMatchObject({ exchangeApiKey: '***', exchangeApiSecret: '***' });
  });
});

describe('what is shown', () => {
  test('passwords are masked', () => {
    const config = load({
      TICKLAKE_DATABASE_URL: 'postgres://me:hunter2@db:5432/lake',
      TICKLAKE_EXCHANGE_URL: 'https://a:b@c',
      TICKLAKE_KAFKA_SASL: 'scram-sha-512',
      TICKLAKE_KAFKA_USER: 'ann',
      TICKLAKE_KAFKA_PASSWORD: 'hunter2',
    });
    expect(maskedConfig(config)).toMatchObject({
      databaseUrl: 'postgres://me:***@db:5432/lake',
      exchangeUrl: 'https://a:***@c',
      apiPort: 8080,
      kafkaUser: 'ann',
      kafkaPassword: '***',
    });
  });

  test('names of the environment follow from the keys, without two meaning one', () => {
    expect(envName('databaseUrlIngest')).toBe('TICKLAKE_DATABASE_URL_INGEST');
    expect(new Set(configKeys.map(envName)).size).toBe(configKeys.length);
  });

  test('docs/configuration.md is what the schema says (npm run docs)', async () => {
    const docs = await readFile(join(import.meta.dirname, '../../../docs/configuration.md'), 'utf8');
    expect(docs).toBe(configDocs());
    for (const key of configKeys) expect(docs).toContain(`| \`${key}\` |`);
  });
});
