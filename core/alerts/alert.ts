import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { atMicroseconds, microseconds } from './microseconds.ts';

/** What an alert is about. */
export type AlertKind =
  | 'price_reached'
  | 'wash_trade'
  | 'order_burst'
  | 'repeated_rejects'
  | 'webhook_disabled'
  | 'venue_difference';

/** From the least to the most severe. */
export const severities = ['info', 'warning', 'critical'] as const;
export type Severity = (typeof severities)[number];

/** Who sees it: the user it is about, who watches over trading (`operator`, `admin`), or both. */
export type Audience = 'user' | 'operators' | 'both';

export interface NewAlert {
  /** What raised it: the same one raises no second alert, ever. */
  causeKey: string;
  kind: AlertKind;
  severity: Severity;
  /** For people: what is the matter, with its figures. */
  cause: string;
  /** The figures for programs. */
  detail: Record<string, unknown>;
  audience: Audience;
  userId?: string | undefined;
  portfolioId?: string | undefined;
}

export interface Alert {
  alertId: string;
  /** Of its newest change, among those of all alerts. */
  sequence: number;
  kind: AlertKind;
  severity: Severity;
  cause: string;
  detail: Record<string, unknown>;
  audience: Audience;
  userId: string | null;
  portfolioId: string | null;
  raisedAt: Date;
  acknowledgedAt: Date | null;
  acknowledgedBy: string | null;
}

/** Whose alerts are seen: a user's own, and those for who watches over trading where they do. */
export interface Viewer {
  userId: string;
  isOperator: boolean;
}

export interface AlertQuery {
  state?: 'open' | 'acknowledged' | undefined;
  kind?: string | undefined;
  severity?: string | undefined;
  /** The page begins after this one. */
  after?: { timeUs: number; id: string } | undefined;
  limit: number;
}

const columns = `alert_id as "alertId", sequence, kind, severity, cause, detail, audience, user_id as "userId",
  portfolio_id as "portfolioId", raised_at as "raisedAt", acknowledged_at as "acknowledgedAt",
  acknowledged_by as "acknowledgedBy"`;
const isSeen = `(user_id = $1 and audience <> 'operators' or $2 and audience <> 'user')`;

/** Raises alerts, with whatever else the transaction does; those that were not raised before. */
export async function raiseAlerts(tx: Transaction, alerts: readonly NewAlert[]): Promise<Alert[]> {
  if (alerts.length === 0) return [];
  const { rows } = await tx.query<Alert>(
    `insert into alerts.alerts (sequence, cause_key, kind, severity, cause, detail, audience, user_id, portfolio_id)
     select 0, "causeKey", kind, severity, left(cause, 1000), detail, audience, "userId", "portfolioId"
       from jsonb_to_recordset($1::jsonb) as n("causeKey" text, kind text, severity text, cause text, detail jsonb,
                                               audience text, "userId" uuid, "portfolioId" uuid)
      where not exists (select from alerts.alerts a where a.cause_key = n."causeKey")
     on conflict (cause_key) do nothing
     returning ${columns}`,
    [JSON.stringify(alerts)],
  );
  return rows;
}

/** The alerts that a viewer sees, the newest first, each with when it was raised in microseconds since 1970. */
export async function listAlerts(
  db: Transaction,
  { userId, isOperator }: Viewer,
  { state, kind, severity, after, limit }: AlertQuery,
): Promise<(Alert & { raisedUs: number })[]> {
  const { rows } = await db.query<Alert & { raisedUs: number }>(
    `select ${columns}, ${microseconds('raised_at')} as "raisedUs" from alerts.alerts
      where ${isSeen} and ($3::boolean is null or (acknowledged_at is null) = $3)
        and ($4::text is null or kind = $4) and ($5::text is null or severity = $5)
        and ($6::bigint is null or (raised_at, alert_id) < (${atMicroseconds('$6')}, $7::uuid))
      order by raised_at desc, alert_id desc limit $8`,
    [
      ...[userId, isOperator, state === undefined ? null : state === 'open', kind ?? null, severity ?? null],
      ...[after?.timeUs ?? null, after?.id ?? null, limit],
    ],
  );
  return rows;
}

/** The alerts that were raised or acknowledged after a number, in the order of their newest changes. */
export async function changedAlerts(
  db: Transaction,
  { userId, isOperator }: Viewer,
  { after, limit }: { after: number; limit: number },
): Promise<Alert[]> {
  const { rows } = await db.query<Alert>(
    `select ${columns} from alerts.alerts where ${isSeen} and sequence > $3 order by sequence limit $4`,
    [userId, isOperator, after, limit],
  );
  return rows;
}

/** The number of the newest change of all alerts; 0 before the first. */
export async function newestChange(db: Transaction): Promise<number> {
  const { rows } = await db.query<{ sequence: number }>('select sequence from alerts.clock');
  return rows[0]?.sequence ?? 0;
}

/** Notes who has seen to an alert; the first one's word stands. @throws NOT_FOUND for one that the viewer does not see */
export async function acknowledgeAlert(db: Transaction, viewer: Viewer, alertId: string): Promise<Alert> {
  const { userId, isOperator } = viewer;
  const acknowledged = await db.query<Alert>(
    `update alerts.alerts set acknowledged_at = clock_timestamp(), acknowledged_by = $1
      where ${isSeen} and alert_id = $3 and acknowledged_at is null returning ${columns}`,
    [userId, isOperator, alertId],
  );
  if (acknowledged.rows[0] !== undefined) return acknowledged.rows[0];
  const { rows } = await db.query<Alert>(
    `select ${columns} from alerts.alerts where ${isSeen} and alert_id = $3`,
    [userId, isOperator, alertId],
  );
  if (rows[0] !== undefined) return rows[0];
  throw new TicklakeError('NOT_FOUND', `there is no alert ${alertId}`, {
    remedy: 'GET /v1/alerts lists those that you see.',
  });
}
