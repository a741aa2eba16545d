/**
 * The closed set of ways to be wrong. A code says whether trying again can help, which exit code a command
 * ends with, and which HTTP status a route answers; the message says what is wrong and the remedy what to do.
 */
const codes = {
  USAGE: { retryable: false, exit: 2, status: 400 },
  CONFIG_INVALID: { retryable: false, exit: 64, status: 500 },
  BAD_REQUEST: { retryable: false, exit: 2, status: 400 },
  UNAUTHENTICATED: { retryable: false, exit: 1, status: 401 },
  FORBIDDEN: { retryable: false, exit: 1, status: 403 },
  NOT_FOUND: { retryable: false, exit: 1, status: 404 },
  ALREADY_EXISTS: { retryable: false, exit: 1, status: 409 },
  CONFLICT: { retryable: true, exit: 75, status: 409 },
  IDEMPOTENCY_CONFLICT: { retryable: false, exit: 1, status: 409 },
  INSUFFICIENT_FUNDS: { retryable: false, exit: 1, status: 409 },
  LIVE_TRADING_OFF: { retryable: false, exit: 1, status: 409 },
  ORDER_OVER: { retryable: false, exit: 1, status: 409 },
  RATE_LIMITED: { retryable: true, exit: 75, status: 429 },
  TIMEOUT: { retryable: true, exit: 75, status: 504 },
  OVERLOADED: { retryable: true, exit: 75, status: 503 },
  UNAVAILABLE: { retryable: true, exit: 75, status: 503 },
  DATABASE_UNREACHABLE: { retryable: true, exit: 75, status: 503 },
  DATABASE_WRONG: { retryable: false, exit: 64, status: 500 },
  PORT_IN_USE: { retryable: true, exit: 75, status: 500 },
  DISK_FULL: { retryable: true, exit: 75, status: 507 },
  EXCHANGE_REFUSED: { retryable: false, exit: 1, status: 502 },
  EXCHANGE_UNREACHABLE: { retryable: true, exit: 75, status: 502 },
  EXCHANGE_MALFORMED: { retryable: false, exit: 1, status: 502 },
  LOG_UNREACHABLE: { retryable: true, exit: 75, status: 503 },
  LOG_WRONG: { retryable: false, exit: 64, status: 500 },
  OFFSET_OUT_OF_RANGE: { retryable: false, exit: 1, status: 500 },
  FENCED: { retryable: false, exit: 1, status: 409 },
  COMMIT_CONFLICT: { retryable: true, exit: 75, status: 409 },
  PLAN_STALE: { retryable: true, exit: 75, status: 409 },
  COVERAGE_OVERLAP: { retryable: true, exit: 75, status: 409 },
  COMMIT_UNKNOWN: { retryable: true, exit: 75, status: 503 },
  TABLE_DIVERGED: { retryable: false, exit: 1, status: 409 },
  FORMAT_UNSUPPORTED: { retryable: false, exit: 1, status: 500 },
  DATA_CORRUPT: { retryable: false, exit: 1, status: 500 },
  QUERY_INVALID: { retryable: false, exit: 2, status: 400 },
  QUERY_OVER_LIMIT: { retryable: false, exit: 1, status: 422 },
  QUERY_CANCELED: { retryable: true, exit: 1, status: 409 },
  NODE_TOO_OLD: { retryable: false, exit: 64, status: 500 },
  PYTHON_MISSING: { retryable: false, exit: 64, status: 500 },
  TRANSFORM_FAILED: { retryable: false, exit: 1, status: 500 },
  INTERNAL: { retryable: false, exit: 1, status: 500 },
} as const;

export type ErrorCode = keyof typeof codes;

export interface ErrorDetails {
  /** What the reader can do about it, one imperative sentence. */
  remedy?: string;
  cause?: unknown;
  /** Facts for logs and problem+json; never secrets. */
  context?: Record<string, unknown>;
}

export class TicklakeError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;
  readonly context: Record<string, unknown>;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'TicklakeError';
    this.code = code;
    this.remedy = details.remedy;
    this.context = details.context ?? {};
  }

  /** Whether the same call can succeed later without anything being changed. */
  get retryable(): boolean {
    return codes[this.code].retryable;
  }

  get exitCode(): number {
    return codes[this.code].exit;
  }

  get httpStatus(): number {
    return codes[this.code].status;
  }
}

export function isTicklakeError(error: unknown, code?: ErrorCode): error is TicklakeError {
  return error instanceof TicklakeError && (code === undefined || error.code === code);
}

/** The error itself where it is one of ours, else one of ours around it: nothing unnamed leaves a room. */
export function toTicklakeError(error: unknown, fallback: ErrorCode = 'INTERNAL'): TicklakeError {
  if (error instanceof TicklakeError) return error;
  const known = fromSystem(error);
  if (known !== undefined) return known;
  return new TicklakeError(fallback, messageOf(error), { cause: error });
}

export function messageOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

/** Whether an error of the file system says that there is no such file or folder. */
export function isMissingFile(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

function fromSystem(error: unknown): TicklakeError | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'ENOSPC' || code === 'EDQUOT' || /no space left on device/i.test(messageOf(error))) {
    return new TicklakeError('DISK_FULL', messageOf(error), {
      cause: error,
      remedy: 'Free space on the disk of the data dir; nothing half done is kept.',
    });
  }
  if (code === 'EADDRINUSE') {
    return new TicklakeError('PORT_IN_USE', messageOf(error), {
      cause: error,
      remedy: 'Stop what listens there, or choose another port (--port N).',
    });
  }
  return undefined;
}
