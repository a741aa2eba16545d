import type { Scope } from '#core/identity/api-keys.ts';
import { roles, type Role } from '#core/identity/roles.ts';
import type { Caller } from '#core/identity/sessions.ts';
import type { LakeTable } from '#core/lake/tables.ts';
import { TicklakeError } from '#core/platform/errors.ts';

/** Who may ask for a route, and how much one request counts for. */
export type Right = (OpenRight | SignedInRight) & {
  /** Of what a user may ask for in a minute; default 1. A request without a session counts 1, or 0 as this says. */
  weight?: number;
};

/** Needs no session. */
interface OpenRight {
  who: 'anyone';
  /** Who may where others than the owner of the machine reach the service (`apiPublic`). */
  inPublic?: readonly Role[];
  /** Takes a password or a token: counts for the address, whoever asks. */
  isSignIn?: boolean;
}

/**
 * With `objects: 'own'` a caller reaches what is theirs, and `objectsOfAll` names the roles that reach everybody's; what a
 * caller does not reach is not found.
 */
interface SignedInRight {
  who: readonly Role[];
  /** What an API key must be for; `session` where no key will do. Default `read` for what reads, `trade` for the rest. */
  scope?: Scope | 'session';
  objects?: 'own';
  objectsOfAll?: readonly Role[];
}

const heavy = 100;
const query = 1_000;

const anyone: Right = { who: 'anyone' };
const anyoneHeavy: Right = { who: 'anyone', weight: heavy };
/** As often as they like: who watches over the service, and who checks its tokens. */
const anyoneUncounted: Right = { who: 'anyone', weight: 0 };
/** Runs of jobs cost time and disk: for who sits at the machine, else for who runs the service. */
const atTheMachine: Right = { who: 'anyone', inPublic: ['operator', 'admin'] };
const signIn: Right = { who: 'anyone', isSignIn: true };
const signedIn: Right = { who: roles };
/** Of the account itself, or money in and out of it: a key that was lost does not do that. */
const account: Right = { who: roles, scope: 'session' };
const ownMoney: Right = { who: roles, scope: 'session', objects: 'own' };
/** Of the account, too: where its messages go. */
const ownAccount: Right = ownMoney;
const own: Right = { who: roles, objects: 'own' };
/** Own ones, and those of all for who watches over trading. */
const ownOrWatched: Right = { who: roles, objects: 'own', objectsOfAll: ['operator', 'admin'] };
/** Figures of what is own, and of all for who runs the service. */
const ownFigures: Right = { who: roles, objects: 'own', objectsOfAll: ['admin'], weight: heavy };
const operators: Right = { who: ['operator', 'admin'] };
const admins: Right = { who: ['admin'] };

/** The one table of rights: a route that does not stand here is not registered. */
export const rights: Readonly<Record<string, Right>> = {
  'GET /health': anyoneUncounted,
  'GET /health/ready': anyoneUncounted,
  'GET /metrics': anyoneUncounted,
  'GET /.well-known/jwks.json': anyoneUncounted,

  'POST /v1/users': signIn,
  'GET /v1/users/me': signedIn,
  'PATCH /v1/users/me': account,
  'PUT /v1/users/me/password': account,
  'POST /v1/password-resets': signIn,
  'POST /v1/sessions': signIn,
  'DELETE /v1/sessions/current': account,
  'GET /v1/sessions': account,
  'POST /v1/sessions/end': account,
  'POST /v1/api-keys': account,
  'GET /v1/api-keys': account,
  'DELETE /v1/api-keys/:keyId': account,

  'GET /v1/markets': anyone,
  'GET /v1/markets/summary': anyone,
  'GET /v1/markets/rankings': anyoneHeavy,
  'GET /v1/markets/:symbol': anyone,
  'GET /v1/markets/:symbol/trades': anyone,
  'GET /v1/markets/:symbol/rules': anyone,
  'GET /v1/markets/:symbol/statistics': anyoneHeavy,
  'GET /v1/markets/:symbol/candles': anyoneHeavy,
  'GET /v1/markets/:symbol/indicators': anyoneHeavy,
  'GET /v1/markets/:symbol/indicators/latest': anyone,
  'GET /v1/signals': anyone,
  'GET /v1/signals/latest': anyone,
  'GET /v1/lake/tables': anyone,
  'GET /v1/lake/coverage': anyoneHeavy,
  'GET /v1/lake/gaps': anyoneHeavy,
  'GET /v1/lake/incidents': anyone,
  'GET /v1/lake/quality': anyone,
  'GET /v1/lake/reconciliation': anyoneHeavy,
  'GET /v1/lake/restatements': anyoneHeavy,
  'POST /v1/query': { ...signedIn, scope: 'read', weight: query },
  'GET /v1/query': ownOrWatched,
  'DELETE /v1/query/:queryId': { ...ownOrWatched, scope: 'read' },
  'GET /v1/jobs': atTheMachine,
  'POST /v1/jobs': atTheMachine,
  'GET /v1/jobs/schedule': atTheMachine,
  'GET /v1/jobs/runs': atTheMachine,
  'GET /v1/jobs/runs/:runId': atTheMachine,
  'GET /v1/jobs/runs/:runId/partitions': atTheMachine,
  'POST /v1/jobs/runs/:runId/cancel': atTheMachine,
  'POST /v1/jobs/runs/:runId/retry': atTheMachine,
  'GET /v1/stream': anyone,

  'POST /v1/portfolios': signedIn,
  'GET /v1/portfolios': own,
  'GET /v1/portfolios/:portfolioId': ownOrWatched,
  'POST /v1/portfolios/:portfolioId/deposits': ownMoney,
  'POST /v1/portfolios/:portfolioId/withdrawals': ownMoney,
  'GET /v1/portfolios/:portfolioId/history': { ...ownOrWatched, weight: heavy },
  'POST /v1/portfolios/:portfolioId/proposals': { ...own, scope: 'read', weight: heavy },
  'GET /v1/portfolios/:portfolioId/risk': ownOrWatched,
  'PUT /v1/portfolios/:portfolioId/risk': { ...ownOrWatched, scope: 'session' },
  'POST /v1/orders': own,
  'POST /v1/orders/preview': { ...own, scope: 'read' },
  'GET /v1/orders': ownOrWatched,
  'DELETE /v1/orders': ownOrWatched,
  'PUT /v1/orders/cancel-after': own,
  'GET /v1/orders/:orderId': ownOrWatched,
  'PATCH /v1/orders/:orderId': own,
  'DELETE /v1/orders/:orderId': ownOrWatched,
  'GET /v1/orders/:orderId/events': ownOrWatched,
  'GET /v1/transactions': ownOrWatched,
  'GET /v1/alerts': ownOrWatched,
  'POST /v1/alerts/:alertId/acknowledge': ownOrWatched,
  'POST /v1/price-alerts': signedIn,
  'GET /v1/price-alerts': own,
  'DELETE /v1/price-alerts/:priceAlertId': own,
  'POST /v1/webhooks': account,
  'GET /v1/webhooks': ownAccount,
  'PATCH /v1/webhooks/:webhookId': ownAccount,
  'DELETE /v1/webhooks/:webhookId': ownAccount,
  'GET /v1/webhooks/:webhookId/deliveries': ownAccount,
  'GET /v1/users/me/notifications': account,
  'PUT /v1/users/me/notifications': account,
  'GET /v1/reconciliation': { ...ownOrWatched, weight: heavy },
  'GET /v1/analytics/volume': ownFigures,
  'GET /v1/analytics/users': ownFigures,
  'GET /v1/analytics/performance': ownFigures,
  'PUT /v1/risk/state': operators,
  'GET /v1/audit': admins,
};

/** Who queries the lake's tables of a namespace. One that does not stand here is for nobody. */
const tableRights: Readonly<Record<string, readonly Role[]>> = {
  market: roles,
  features: roles,
  signals: roles,
  trading: ['analyst', 'operator', 'admin'],
};

/** Whether SQL of a role reads a table. */
export function mayQuery(role: Role, { namespace }: Pick<LakeTable, 'namespace'>): boolean {
  return tableRights[namespace]?.includes(role) ?? false;
}

/** The right of a route as it is registered; HEAD is what GET is. */
export function rightOf(method: string, url: string, isPublic = false): Right | undefined {
  const isRead = method === 'HEAD' || method === 'GET';
  const right = rights[`${isRead ? 'GET' : method} ${url}`];
  return right && resolved(right, isRead, isPublic);
}

function resolved(right: Right, isRead: boolean, isPublic: boolean): Right {
  if (right.who === 'anyone') {
    if (!isPublic || right.inPublic === undefined) return right;
    return resolved({ who: right.inPublic }, isRead, isPublic);
  }
  return { ...right, scope: right.scope ?? (isRead ? 'read' : 'trade') };
}

/** The right to follow runs of jobs on the socket. */
export function runsRight(isPublic: boolean): Right {
  return resolved(atTheMachine, true, isPublic);
}

/** What is asked on the socket of `GET /v1/stream`, which is open to anyone itself. */
export const streamRights = {
  orders: { ...ownOrWatched, scope: 'read' },
  balances: { ...ownOrWatched, scope: 'read' },
  placeOrder: { ...own, scope: 'trade' },
  cancelOrder: { ...ownOrWatched, scope: 'trade' },
  alerts: { ...ownOrWatched, scope: 'read' },
} as const satisfies Record<string, Right>;

/** Who asks, and by which right. */
export interface Asker {
  caller: Caller;
  right: Right;
}

/** @throws FORBIDDEN for a role that may not, and for a key that is not for that. */
export function assertAllowed(right: Right, { role, by }: Caller): void {
  if (right.who === 'anyone') return;
  if (!right.who.includes(role)) {
    throw new TicklakeError('FORBIDDEN', 'your role may not do this', {
      remedy: `It takes the role ${right.who.join(' or ')}; \`ticklake users\` gives roles.`,
    });
  }
  const { scope = 'session' } = right;
  if (by.kind === 'session' || (scope !== 'session' && by.scopes.includes(scope))) return;
  throw new TicklakeError('FORBIDDEN', 'the key is not for this', {
    remedy: scope === 'session' ? 'Sign in: no key may do this.' : `It takes a key with the scope ${scope}.`,
  });
}

/** Whether an object that belongs to `ownerId` is reached. */
export function reaches({ caller, right }: Asker, ownerId: string): boolean {
  if (right.who === 'anyone') return true;
  if (!right.who.includes(caller.role)) return false;
  return right.objects === undefined || ownerId === caller.userId || hasAll(right, caller.role);
}

/** Whether everybody's objects are reached, not only own ones. */
export function reachesAll({ caller, right }: Asker): boolean {
  return right.who === 'anyone' || (right.who.includes(caller.role) && hasAll(right, caller.role));
}

function hasAll(right: SignedInRight, role: Role): boolean {
  return right.objectsOfAll?.includes(role) ?? false;
}
