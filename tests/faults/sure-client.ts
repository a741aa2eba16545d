import { setTimeout as sleep } from 'node:timers/promises';

export interface Asked {
  token?: string;
  /** What makes asking again the same request. */
  key?: string;
  body?: object;
}

export interface Answered {
  status: number;
  body: unknown;
}

const answerMs = 5_000;
const knownMs = 180_000;
const againMs = 200;

/**
 * Asks the API as a careful client does: where no answer comes, or one that says nothing of what was done, it asks again
 * with the same key until it knows.
 */
export class SureClient {
  /** Requests that were sent. */
  sent = 0;
  /** Those of them that asked again. */
  again = 0;
  readonly #url: string;

  constructor(url: string) {
    this.#url = url;
  }

  async ask(method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const deadline = Date.now() + knownMs;
    let last: unknown;
    for (let attempt = 0; Date.now() < deadline; attempt++) {
      if (attempt > 0) {
        this.again++;
        await sleep(againMs);
      }
      try {
        const answer = await this.#once(method, path, asked);
        if (!isUnknown(answer)) return answer;
        last = JSON.stringify(answer);
      } catch (error) {
        last = error;
      }
    }
    throw new Error(`${method} ${path} was not answered in ${knownMs} ms`, { cause: last });
  }

  async #once(method: string, path: string, { token, key, body }: Asked): Promise<Answered> {
    this.sent++;
    const answer = await fetch(new URL(path, this.#url), {
      method,
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerMs),
    });
    return { status: answer.status, body: await answer.json() };
  }
}

/** Whether an answer leaves open what was done, or says to ask again. */
function isUnknown({ status, body }: Answered): boolean {
  if (status >= 500) return true;
  return typeof body === 'object' && body !== null && 'retryable' in body && body.retryable === true;
}
