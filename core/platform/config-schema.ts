import { Type, type Static, type TSchema } from 'typebox';

/** What is read of a key's schema beside its check. */
export type ConfigProperty = TSchema & {
  type?: string;
  description?: string;
  default?: unknown;
  /** What is allowed, in words, where the schema alone would not say it well. */
  form?: string;
  /** Whether it is never shown. */
  isSecret?: boolean;
  enum?: readonly string[];
  const?: unknown;
  anyOf?: ConfigProperty[];
  items?: ConfigProperty;
  minimum?: number;
  maximum?: number;
  exclusiveMinimum?: number;
};

const postgresUrl = (description: string) =>
  Type.Optional(
    Type.String({
      description,
      pattern: '^postgres(ql)?://\\S+$',
      form: 'a URL `postgres://user:password@host:port/database`',
    }),
  );

const whole = (description: string, fallback: number, minimum: number, maximum: number) =>
  Type.Integer({ description, default: fallback, minimum, maximum });

/** All keys: the source of the type, the checks, the defaults and docs/configuration.md. */
export const configSchema = Type.Object(
  {
    dataDir: Type.String({
      description: 'Folder of the embedded database, the warehouse and the logs; two data dirs never meet.',
      default: '.ticklake',
      minLength: 1,
      form: 'the path of a folder',
    }),
    logLevel: Type.Enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'], {
      description: 'Least severe log line that is written, on stderr.',
      default: 'info',
    }),
    databaseUrl: postgresUrl(
      "Postgres with its owner's login, which brings the schema to this version; no URL starts the embedded one.",
    ),
    databaseUrlIngest: postgresUrl(
      'Login of the ingest role, which alone waits for the schema; none uses `databaseUrl`.',
    ),
    databaseUrlApi: postgresUrl(
      'Login of the api role, which alone waits for the schema; none uses `databaseUrl`.',
    ),
    databaseUrlEvents: postgresUrl(
      'Login of the events role, which alone waits for the schema; none uses `databaseUrl`.',
    ),
    databaseUrlTrader: postgresUrl(
      'Login of the trader role, which alone waits for the schema; none uses `databaseUrl`.',
    ),
    databaseCaFile: Type.Optional(
      Type.String({
        description:
          'Certificate of the authority that vouches for Postgres, in PEM: every URL of it is then used over TLS, verified (`sslmode=verify-full`).',
        minLength: 1,
        form: 'the path of a file',
      }),
    ),
    kafkaBrokers: Type.Optional(
      Type.Array(Type.String({ pattern: '^[^\\s,:/]+:\\d{1,5}$', form: '`host:port`' }), {
        description: 'Kafka as the event log; none uses the log on Postgres.',
        minItems: 1,
      }),
    ),
    kafkaTls: Type.Boolean({
      description: 'Brokers are reached over TLS alone, and their certificates verified.',
      default: false,
    }),
    kafkaCaFile: Type.Optional(
      Type.String({
        description:
          'Certificate of the authority that vouches for the brokers, in PEM; none trusts the public ones.',
        minLength: 1,
        form: 'the path of a file',
      }),
    ),
    kafkaSasl: Type.Optional(
      Type.Enum(['scram-sha-512', 'scram-sha-256', 'plain'], {
        description: 'How to sign in to the brokers, `plain` over TLS alone; none does not.',
      }),
    ),
    kafkaUser: Type.Optional(
      Type.String({ description: 'Name to sign in to the brokers with.', minLength: 1 }),
    ),
    kafkaPassword: Type.Optional(
      Type.String({ description: 'Password to sign in to the brokers with.', minLength: 1, isSecret: true }),
    ),
    exchange: Type.Enum(['simulator', 'binance'], {
      description:
        'Where market data comes from: the built-in simulator, or Binance spot (public data, no key).',
      default: 'simulator',
    }),
    exchangeUrl: Type.Optional(
      Type.String({
        description: "REST address of the exchange; none uses the exchange's own.",
        pattern: '^https?://\\S+$',
        form: 'a URL `http://…` or `https://…`',
      }),
    ),
    exchangeWsUrl: Type.Optional(
      Type.String({
        description: "WebSocket address of the exchange; none uses the exchange's own.",
        pattern: '^wss?://\\S+$',
        form: 'a URL `ws://…` or `wss://…`',
      }),
    ),
    exchangeOrdersUrl: Type.Optional(
      Type.String({
        description:
          "REST address of the exchange for orders, with TLS beyond this machine; none uses the exchange's own.",
        pattern: '^https?://\\S+$',
        form: 'a URL `https://…`, or `http://…` on this machine',
      }),
    ),
    exchangeApiKey: Type.Optional(
      Type.String({
        description:
          'Key of the account at the exchange that orders of its live portfolio go to; see `liveTrading`.',
        pattern: '^[A-Za-z0-9_-]{1,256}$',
        form: 'letters, digits, `_` and `-`',
        isSecret: true,
      }),
    ),
    exchangeApiSecret: Type.Optional(
      Type.String({
        description: "What that key signs with: the exchange's secret, or an Ed25519 private key in PEM.",
        minLength: 1,
        isSecret: true,
      }),
    ),
    exchangeApiKeyType: Type.Enum(['hmac', 'ed25519'], {
      description: 'How that key signs.',
      default: 'hmac',
    }),
    liveTrading: Type.Boolean({
      description:
        'Orders of the live portfolio go to the exchange itself, with `exchangeApiKey`, from the API and the trader that both have it; without both, none ever does.',
      default: false,
    }),
    archive: Type.Optional(
      Type.String({
        description:
          "The exchange's bulk archive; none uses the exchange's own (a simulator serves one too).",
        minLength: 1,
        form: 'a folder that holds `data/spot`, or a URL under which it lies',
      }),
    ),
    symbols: Type.Array(
      Type.String({ pattern: '^[A-Z0-9]{2,40}$', form: 'a market in capitals like BTCUSDT' }),
      {
        description: 'Markets that are followed live.',
        default: [
          'BTCUSDT',
          'ETHUSDT',
          'BNBUSDT',
          'SOLUSDT',
          'XRPUSDT',
          'ADAUSDT',
          'DOGEUSDT',
          'AVAXUSDT',
          'DOTUSDT',
          'LINKUSDT',
        ],
        minItems: 1,
        maxItems: 1000,
        uniqueItems: true,
        form: 'a list of 1 to 1000 different markets in capitals like BTCUSDT',
      },
    ),
    simulatorSeed: whole(
      "Seed of the simulator's tape; the same seed is the same tape.",
      42,
      0,
      4_294_967_295,
    ),
    simulatorSpeed: Type.Union([Type.Number({ exclusiveMinimum: 0 }), Type.Literal('max')], {
      description:
        "Pace of the simulator's clock as a multiple of real time, or `max` for as fast as it goes.",
      default: 1,
    }),
    simulatorHost: Type.String({
      description:
        'Address the simulator listens on; other than loopback for containers only, as it takes orders to fail.',
      default: '127.0.0.1',
      minLength: 1,
      form: 'an address of this machine',
    }),
    simulatorPort: whole('Port the simulator listens on; 0 takes a free one.', 0, 0, 65_535),
    simulatorSymbols: whole('Number of markets the simulator lists.', 50, 1, 500),
    simulatorLife: Type.Enum(['calm', 'eventful'], {
      description:
        'Whether markets of the simulator only trade, or are also halted, delisted, and their names used again.',
      default: 'calm',
    }),
    apiHost: Type.String({
      description:
        'Address the API listens on; other than loopback only with `apiInsideContainer` or `apiPublic`.',
      default: '127.0.0.1',
      minLength: 1,
      form: 'an address of this machine',
    }),
    apiPort: whole('Port the API listens on; 0 takes a free one.', 8080, 0, 65_535),
    apiInsideContainer: Type.Boolean({
      description:
        'The API runs in a container whose port is published on loopback only, so it may listen on all addresses.',
      default: false,
    }),
    apiPublic: Type.Boolean({
      description:
        'Others reach the API, through a proxy in `apiTrustedProxies`: it answers over TLS alone, and jobs take an operator.',
      default: false,
    }),
    apiNames: Type.Array(
      Type.String({
        pattern: '^[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?$',
        form: 'a host name in small letters',
      }),
      {
        description:
          'Names beside loopback under which the API may be asked for, as `api` is by a scheduler in another container.',
        default: [],
        maxItems: 20,
        uniqueItems: true,
        form: 'a list of at most 20 different host names in small letters',
      },
    ),
    apiTrustedProxies: Type.Array(
      Type.String({
        pattern: '^[0-9a-fA-F:.]{2,45}(/\\d{1,3})?$',
        form: 'an IP address, or a network as `10.0.0.0/8`',
      }),
      {
        description:
          'Proxies in front of the API whose `X-Forwarded-For`, `-Proto` and `-Host` are believed; over TLS cookies are `Secure`.',
        default: [],
        maxItems: 20,
        form: 'a list of at most 20 IP addresses or networks',
      },
    ),
    apiCorsOrigins: Type.Array(
      Type.String({
        pattern: '^https?://[a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?(:\\d{1,5})?$',
        form: 'an origin as `https://app.example`',
      }),
      {
        description:
          'Origins of other sites whose pages may ask the API, with tokens and never with cookies.',
        default: [],
        maxItems: 20,
        uniqueItems: true,
        form: 'a list of at most 20 different origins as `https://app.example`',
      },
    ),
    apiAddressRequests: whole(
      'Requests without a session that an address may make in 15 minutes, for each API process.',
      100,
      1,
      1_000_000_000,
    ),
    apiUserWeight: whole(
      'Weight of the requests that a user may make in a minute, for each API process; most weigh 1, wide reads 100.',
      600_000,
      1_000,
      1_000_000_000,
    ),
    queryConcurrency: whole('Queries of users that one API process runs at a time.', 2, 1, 64),
    querySeconds: whole('Seconds that a query of a user may take.', 30, 1, 3_600),
    queryMemoryMb: whole(
      'Megabytes of memory that a query of a user may take; beyond half of them DuckDB spills to disk.',
      512,
      256,
      1_048_576,
    ),
    querySpillMb: whole('Megabytes of disk that a query of a user may spill to.', 2_048, 0, 1_048_576),
    sessionKeyFile: Type.Optional(
      Type.String({
        description:
          'RSA key in PEM that sessions are signed with, the same for all API processes; none makes one in the data dir.',
        minLength: 1,
        form: 'the path of a file',
      }),
    ),
    webhookKeyFile: Type.Optional(
      Type.String({
        description:
          'Keys that secrets of webhooks are sealed with, the same for api and events; none makes one in the data dir.',
        minLength: 1,
        form: 'the path of a file',
      }),
    ),
    pseudonymKeyFile: Type.Optional(
      Type.String({
        description:
          'Key of the pseudonyms in trading.order_events, 64 hexadecimal digits, the same for all events processes; none makes one in the data dir.',
        minLength: 1,
        form: 'the path of a file',
      }),
    ),
    webhookPrivateNetworks: Type.Boolean({
      description: 'Webhooks may be of this machine and of private networks, and without TLS.',
      default: false,
    }),
    smtpUrl: Type.Optional(
      Type.String({
        description:
          'Server that mails alerts; none mails nothing. Beyond this machine it is spoken to over TLS alone.',
        pattern: '^smtps?://\\S+$',
        form: 'a URL `smtp://user:password@host:port` or `smtps://…`',
      }),
    ),
    mailFrom: Type.Optional(
      Type.String({
        description: 'Sender of the mails, needed with `smtpUrl`.',
        pattern: '^[^\\s<>@]+@[^\\s<>@]+$',
        form: 'an address as `alerts@example.com`',
      }),
    ),
    jobsConcurrency: whole('Partitions of jobs that one worker does at a time.', 2, 1, 64),
    jobsWeightPerMinute: whole(
      'REST request weight that all jobs together may spend on a venue in a minute; Binance allows 6000 an address.',
      4_000,
      200,
      1_000_000,
    ),
    jobsHistoryDays: whole('Days that the history of ended runs is kept.', 90, 1, 3_650),
    ingestBatchRecords: whole('Records after which a batch is committed.', 1_000, 1, 10_000_000),
    ingestBatchMs: whole(
      'Milliseconds after which a batch that is not full is committed.',
      10_000,
      10,
      3_600_000,
    ),
    streamLatenessMs: whole(
      'Milliseconds, by our clock, that a trade may take into the log before its bar closes without it.',
      1_000,
      0,
      600_000,
    ),
    streamCommitMs: whole(
      'Milliseconds between commits of live candles to the lake.',
      30_000,
      100,
      3_600_000,
    ),
    ingestMaxBatchRecords: whole(
      'Most records in one commit; under load batches grow up to it.',
      500_000,
      1,
      10_000_000,
    ),
    ingestMaxBufferedBytes: whole(
      'Most bytes that wait in memory between the socket and the log, and between the log and a commit.',
      64 * 1024 * 1024,
      1024 * 1024,
      8 * 1024 * 1024 * 1024,
    ),
    logRetentionHours: whole('Hours the event log keeps a record.', 24, 1, 8_760),
    logPartitions: whole('Partitions of a topic when it is created.', 12, 1, 1_000),
    kafkaSessionTimeoutMs: whole(
      'Milliseconds without a heartbeat after which Kafka gives the partitions of a worker to others.',
      10_000,
      1_000,
      300_000,
    ),
    warehouse: Type.Optional(
      Type.String({
        description: "Where the tables' files are; none is `warehouse` in the data dir.",
        pattern: '^(file:///|(?![A-Za-z][A-Za-z0-9+.-]*:)).+$',
        form: 'the path of a folder, or a `file:///` URI',
      }),
    ),
    catalogName: Type.String({
      description: 'Name of the Iceberg catalog in its tables on Postgres.',
      default: 'ticklake',
      pattern: '^[a-z][a-z0-9_]{0,62}$',
      form: 'small letters, digits and underscores, a letter first',
    }),
  },
  { additionalProperties: false },
);

export type ConfigValues = Static<typeof configSchema>;
export type ConfigKey = keyof ConfigValues;

export const configKeys = Object.keys(configSchema.properties) as ConfigKey[];
