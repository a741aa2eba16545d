import { ApiError } from './answer.ts';
import type { Chronicle } from './chronicle.ts';
import type { Faults } from './faults.ts';
import type { WeightLimit } from './weight.ts';

export interface Answer {
  status: number;
  body: unknown;
  headers?: Record<string, string>;
  /** Whether the answer is kept back: the connection is cut, or stays silent. */
  delivery?: 'cut' | 'never';
}

/** Seconds that clients are told to wait by faults. */
const faultRetryAfterS = 1;

/** What is answered before an endpoint is asked at all; undefined where nothing stands before it. */
export function barred(chronicle: Chronicle, faults: Faults): Answer | undefined {
  return down(chronicle) ?? struck(faults);
}

/** An endpoint's answer where its weight allows one. */
export function weighed(
  cost: number,
  weight: WeightLimit,
  answer: () => { body: unknown; headers?: Record<string, string> },
): Answer {
  const verdict = weight.take(cost, Date.now());
  const used = { 'x-mbx-used-weight': String(verdict.used), 'x-mbx-used-weight-1m': String(verdict.used) };
  if (verdict.kind === 'ok') {
    try {
      const { body, headers } = answer();
      return { status: 200, body, headers: { ...used, ...headers } };
    } catch (error) {
      if (error instanceof ApiError) return { ...refusal(error), headers: used };
      throw error;
    }
  }
  const headers = { ...used, 'retry-after': String(verdict.retryAfterS) };
  if (verdict.kind === 'wait') {
    const msg = `Too much request weight used; current limit is ${weight.limit} request weight per 1 MINUTE.`;
    return { status: 429, body: { code: -1003, msg }, headers };
  }
  const msg = `Way too much request weight used; IP banned until ${verdict.untilMs}.`;
  return { status: 418, body: { code: -1003, msg }, headers };
}

export function refusal(error: ApiError): Answer {
  return { status: error.status, body: { code: error.code, msg: error.message } };
}

/** While the exchange stands still it answers nothing else. */
function down(chronicle: Chronicle): Answer | undefined {
  if (!chronicle.isDown) return undefined;
  return { status: 503, body: { code: -1016, msg: 'This service is no longer available.' } };
}

function struck(faults: Faults): Answer | undefined {
  const headers = { 'retry-after': String(faultRetryAfterS) };
  if (faults.strike('418')) {
    return { status: 418, body: { code: -1003, msg: 'Way too many requests; IP banned.' }, headers };
  }
  if (faults.strike('429')) return { status: 429, body: { code: -1003, msg: 'Too many requests.' }, headers };
  if (faults.strike('5xx')) {
    return { status: 503, body: { code: -1001, msg: 'Internal error; unable to process your request.' } };
  }
  return undefined;
}
