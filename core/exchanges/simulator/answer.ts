/** What a REST handler gives: a body for 200, or an error as the exchange words it. */
export class ApiError extends Error {
  readonly status: number;
  readonly code: number;

  constructor(code: number, message: string, status = 400) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A request's query, read as strictly as the exchange does: a value it does not understand is an error. */
export class Query {
  readonly #params: URLSearchParams;

  constructor(params: URLSearchParams) {
    this.#params = params;
  }

  text(name: string): string | undefined {
    const value = this.#params.get(name);
    return value === null || value === '' ? undefined : value;
  }

  required(name: string): string {
    const value = this.text(name);
    if (value !== undefined) return value;
    throw new ApiError(-1102, `Mandatory parameter '${name}' was not sent, was empty/null, or malformed.`);
  }

  /** A whole number ≥ 0. */
  whole(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (/^[0-9]{1,16}$/.test(text) && Number.isSafeInteger(Number(text))) return Number(text);
    throw new ApiError(
      -1100,
      `Illegal characters found in parameter '${name}'; legal range is '^[0-9]{1,20}$'.`,
    );
  }

  limit(fallback: number, most: number): number {
    const limit = this.whole('limit') ?? fallback;
    if (limit < 1) throw new ApiError(-1130, "Data sent for parameter 'limit' is not valid.");
    return Math.min(limit, most);
  }

  /** The list of `symbols=["A","B"]`, or the one of `symbol=A`. */
  symbols(): string[] | undefined {
    const list = this.text('symbols');
    if (list === undefined) {
      const symbol = this.text('symbol');
      return symbol === undefined ? undefined : [symbol];
    }
    const inner = /^\[(.*)\]$/.exec(list)?.[1];
    const names = inner?.split(',').map((part) => /^\s*"([A-Z0-9]{1,40})"\s*$/.exec(part)?.[1]);
    if (names === undefined || names.includes(undefined)) {
      throw new ApiError(-1100, "Illegal characters found in parameter 'symbols'.");
    }
    return names.filter((name) => name !== undefined);
  }
}
