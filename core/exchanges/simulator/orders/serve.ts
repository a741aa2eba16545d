import type { IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { Query } from '../answer.ts';
import type { Chronicle } from '../chronicle.ts';
import type { Faults } from '../faults.ts';
import { barred, weighed, type Answer } from '../gate.ts';
import { readBody } from '../request-body.ts';
import type { WeightLimit } from '../weight.ts';
import { authenticate } from './authenticate.ts';
import { checkParameters, signedEndpoints, type SignedEndpoint } from './endpoints.ts';
import type { ExchangeOrders } from './exchange-orders.ts';

export interface SignedOptions {
  orders: ExchangeOrders;
  weight: WeightLimit;
  faults: Faults;
  chronicle: Chronicle;
}

/** Answers a signed request to a path; undefined where there is no such endpoint. */
export type SignedServer = (request: IncomingMessage, url: URL) => Promise<Answer> | undefined;

const delayMsDefault = 500;

/** The endpoints for orders, with the faults that befall them. */
export function createSignedServer({ orders, weight, faults, chronicle }: SignedOptions): SignedServer {
  const endpoints = signedEndpoints(orders, (order) => {
    const fault = faults.strike('lag', order.tape.market.symbol);
    return fault !== undefined && orders.nowMs - order.placedMs < (fault.delayMs ?? delayMsDefault);
  });

  async function serve(request: IncomingMessage, url: URL, endpoint: SignedEndpoint): Promise<Answer> {
    const text = url.search.slice(1) + (await readBody(request));
    const params = new URLSearchParams(text);
    const symbol = params.get('symbol') ?? undefined;
    const late = endpoint.isWrite ? faults.strike('late', symbol) : undefined;
    if (late !== undefined) await sleep(late.delayMs ?? delayMsDefault);
    const answer =
      barred(chronicle, faults) ??
      weighed(endpoint.weight(new Query(params)), weight, () => {
        const apiKey = request.headers['x-mbx-apikey'];
        const message = { apiKey: typeof apiKey === 'string' ? apiKey : undefined, text, params };
        const account = authenticate(message, orders.accounts, orders.nowMs);
        checkParameters(endpoint, params);
        return endpoint.answer({ account, query: new Query(params) });
      });
    return endpoint.isWrite ? undelivered(answer, faults, symbol) : answer;
  }

  return (request, url) => {
    const endpoint = endpoints.get(`${request.method} ${url.pathname}`);
    return endpoint === undefined ? undefined : serve(request, url, endpoint);
  };
}

/** What was done stays done; its answer may not come through. */
function undelivered(answer: Answer, faults: Faults, symbol: string | undefined): Answer {
  if (faults.strike('lost-answer', symbol)) return { ...answer, delivery: 'cut' };
  if (faults.strike('no-answer', symbol)) return { ...answer, delivery: 'never' };
  if (!faults.strike('5xx-after', symbol)) return answer;
  const msg =
    'Timeout waiting for response from backend server. Send status unknown; execution status unknown.';
  return { status: 503, body: { code: -1007, msg } };
}
