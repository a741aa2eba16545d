import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import { json } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';

export interface Asked {
  token?: string;
  /** What makes asking again the same request. */
  key?: string;
  body?: object;
  /** How long an answer may take before it is asked for again. */
  answerMs?: number;
}

export interface Answered {
  status: number;
  body: unknown;
}

const answerMsDefault = 5_000;
const knownMs = 180_000;
const againMs = 200;

/**
 * Asks the API as a careful client does: where no answer comes, or one that says nothing of what was done, it asks again
 * with the same key until it knows: one after the other of the services that it was given.
 */
export class SureClient {
  /** Requests that were sent. */
  sent = 0;
  /** Those of them that asked again. */
  again = 0;
  readonly #agent = new Agent({ keepAlive: true });
  readonly #urls: readonly string[];

  constructor(...urls: string[]) {
    this.#urls = urls;
  }

  async ask(method: string, path: string, asked: Asked = {}): Promise<Answered> {
    const deadline = Date.now() + knownMs;
    let last: unknown;
    for (let attempt = 0; Date.now() < deadline; attempt++) {
      if (attempt > 0) this.again++;
      if (attempt > 0 && attempt % this.#urls.length === 0) await sleep(againMs);
      try {
        const answer = await this.#once(
          new URL(path, this.#urls[attempt % this.#urls.length]),
          method,
          asked,
        );
        if (!isUnknown(answer)) return answer;
        last = JSON.stringify(answer);
      } catch (error) {
        last = error;
      }
    }
    throw new Error(`${method} ${path} was not answered in ${knownMs} ms`, { cause: last });
  }

  async #once(url: URL, method: string, asked: Asked): Promise<Answered> {
    const { token, key, body, answerMs = answerMsDefault } = asked;
    this.sent++;
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
    };
    const sent = request(url, { method, headers, agent: this.#agent, timeout: answerMs });
    sent.on('timeout', () => sent.destroy(new Error(`no answer in ${answerMs} ms`)));
    sent.end(body === undefined ? undefined : JSON.stringify(body));
    // An error before the answer rejects here, one amid it where it is read; later ones say nothing.
    sent.on('error', () => undefined);
    const [answer] = (await once(sent, 'response')) as [IncomingMessage];
    return { status: answer.statusCode ?? 0, body: await json(answer) };
  }
}

/** Whether an answer leaves open what was done, or says to ask again. */
function isUnknown({ status, body }: Answered): boolean {
  if (status >= 500) return true;
  return typeof body === 'object' && body !== null && 'retryable' in body && body.retryable === true;
}
