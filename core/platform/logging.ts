import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';

export interface LoggingOptions {
  level: string;
  /** Name of the role or command, on every line. */
  name: string;
}

const waitingBytesMax = 1024 * 1024;
const secretKeys = [
  ...['password', 'secret', 'token', 'apiKey', 'authorization', 'cookie'],
  ...['databaseUrl', 'databaseUrlIngest', 'databaseUrlApi', 'databaseUrlTrader', 'databaseUrlEvents'],
  ...['connectionString', 'smtpUrl'],
  ...['kafkaPassword', 'exchangeApiKey', 'exchangeApiSecret'],
];

/** A JSON logger on stderr (stdout belongs to data). Secrets are masked by key at two depths, and in URLs. */
export function createLogger(options: LoggingOptions): Logger {
  return pino(
    {
      level: options.level,
      base: { name: options.name, pid: process.pid },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: secretKeys.flatMap((key) => [key, `*.${key}`, `*.*.${key}`]), censor: '***' },
      formatters: { level: (label) => ({ level: label }) },
      serializers: {
        err: (error: unknown) => maskError(error),
        error: (error: unknown) => maskError(error),
        // A message of an error, without the rest of it.
        reason: (reason: unknown) => maskError(reason),
      },
      hooks: {
        logMethod(args, method) {
          const masked = args.map((arg: unknown) => (typeof arg === 'string' ? maskUrls(arg) : arg));
          method.apply(this, masked as Parameters<typeof method>);
        },
      },
    },
    logDestination(),
  );
}

/** A log that cannot be written, as on a full disk, ends nothing: what waits is written later, or dropped. */
function logDestination(): ReturnType<typeof pino.destination> {
  const destination = pino.destination({ dest: 2, sync: true, maxLength: waitingBytesMax });
  destination.on('error', () => undefined);
  return destination;
}

/** `scheme://user:password@host` → `scheme://user:***@host`. */
export function maskUrls(text: string): string {
  return text.replace(/([a-z][a-z0-9+.-]*:\/\/[^:/?#\s@]*):[^@/\s]*@/gi, '$1:***@');
}

function maskError(error: unknown): unknown {
  if (!(error instanceof Error)) return typeof error === 'string' ? maskUrls(error) : error;
  const serialized = pino.stdSerializers.err(error);
  // Libraries hang their own objects on errors: the driver a whole connection, with the key that cancels its queries.
  const plain = Object.entries(serialized).filter(
    ([key, value]) => key === 'context' || typeof value !== 'object' || value === null,
  );
  return {
    ...Object.fromEntries(plain),
    ...{ message: maskUrls(serialized.message), stack: maskUrls(serialized.stack) },
  };
}
