import type { Caller } from '#core/identity/sessions.ts';
import { roles, type Role } from '#core/identity/roles.ts';

/**
 * Who may ask for a route. `anyone` needs no session. With `objects: 'own'` a caller reaches what is theirs, and
 * `objectsOfAll` names the roles that reach everybody's; what a caller does not reach is not found.
 */
export type Right =
  { who: 'anyone' } | { who: readonly Role[]; objects?: 'own'; objectsOfAll?: readonly Role[] };

const anyone: Right = { who: 'anyone' };
const signedIn: Right = { who: roles };
const own: Right = { who: roles, objects: 'own' };
/** Own ones, and those of all for who watches over trading. */
const ownOrWatched: Right = { who: roles, objects: 'own', objectsOfAll: ['operator', 'admin'] };
const operators: Right = { who: ['operator', 'admin'] };

/** The one table of rights: a route that does not stand here is not registered. */
export const rights: Readonly<Record<string, Right>> = {
  'GET /health': anyone,
  'GET /health/ready': anyone,
  'GET /metrics': anyone,
  'GET /.well-known/jwks.json': anyone,

  'POST /v1/users': anyone,
  'GET /v1/users/me': signedIn,
  'PATCH /v1/users/me': signedIn,
  'PUT /v1/users/me/password': signedIn,
  'POST /v1/sessions': anyone,
  'DELETE /v1/sessions/current': signedIn,

  'GET /v1/markets': anyone,
  'GET /v1/markets/summary': anyone,
  'GET /v1/markets/rankings': anyone,
  'GET /v1/markets/:symbol': anyone,
  'GET /v1/markets/:symbol/trades': anyone,
  'GET /v1/markets/:symbol/statistics': anyone,
  'GET /v1/markets/:symbol/candles': anyone,
  'GET /v1/markets/:symbol/indicators': anyone,
  'GET /v1/markets/:symbol/indicators/latest': anyone,
  'GET /v1/signals': anyone,
  'GET /v1/signals/latest': anyone,
  'GET /v1/lake/tables': anyone,
  'GET /v1/lake/coverage': anyone,
  'GET /v1/lake/gaps': anyone,
  'GET /v1/lake/incidents': anyone,
  'GET /v1/lake/quality': anyone,
  'GET /v1/lake/reconciliation': anyone,
  'GET /v1/lake/restatements': anyone,
  'GET /v1/jobs': anyone,
  'POST /v1/jobs': anyone,
  'GET /v1/jobs/schedule': anyone,
  'GET /v1/jobs/runs': anyone,
  'GET /v1/jobs/runs/:runId': anyone,
  'GET /v1/jobs/runs/:runId/partitions': anyone,
  'POST /v1/jobs/runs/:runId/cancel': anyone,
  'POST /v1/jobs/runs/:runId/retry': anyone,
  'GET /v1/stream': anyone,

  'POST /v1/portfolios': signedIn,
  'GET /v1/portfolios': own,
  'GET /v1/portfolios/:portfolioId': ownOrWatched,
  'POST /v1/portfolios/:portfolioId/deposits': own,
  'POST /v1/portfolios/:portfolioId/withdrawals': own,
  'GET /v1/portfolios/:portfolioId/risk': ownOrWatched,
  'PUT /v1/portfolios/:portfolioId/risk': ownOrWatched,
  'POST /v1/orders': own,
  'POST /v1/orders/preview': own,
  'GET /v1/orders': ownOrWatched,
  'DELETE /v1/orders': ownOrWatched,
  'PUT /v1/orders/cancel-after': own,
  'GET /v1/orders/:orderId': ownOrWatched,
  'PATCH /v1/orders/:orderId': own,
  'DELETE /v1/orders/:orderId': ownOrWatched,
  'GET /v1/orders/:orderId/events': ownOrWatched,
  'GET /v1/transactions': ownOrWatched,
  'GET /v1/reconciliation': ownOrWatched,
  'PUT /v1/risk/state': operators,
};

/** The right of a route as it is registered; HEAD is what GET is. */
export function rightOf(method: string, url: string): Right | undefined {
  return rights[`${method === 'HEAD' ? 'GET' : method} ${url}`];
}

/** What is asked on the socket of `GET /v1/stream`, which is open to anyone itself. */
export const streamRights = {
  orders: ownOrWatched,
  balances: ownOrWatched,
  placeOrder: own,
  cancelOrder: ownOrWatched,
} as const satisfies Record<string, Right>;

/** Who asks, and by which right. */
export interface Asker {
  caller: Caller;
  right: Right;
}

/** Whether an object that belongs to `ownerId` is reached. */
export function reaches({ caller, right }: Asker, ownerId: string): boolean {
  if (right.who === 'anyone') return true;
  if (!right.who.includes(caller.role)) return false;
  return right.objects === undefined || ownerId === caller.userId || hasAll(right, caller.role);
}

function hasAll(right: Exclude<Right, { who: 'anyone' }>, role: Role): boolean {
  return right.objectsOfAll?.includes(role) ?? false;
}
