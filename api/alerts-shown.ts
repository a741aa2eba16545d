import type { Alert, Viewer } from '#core/alerts/alert.ts';
import { reachesAll, type Asker } from './rights.ts';
import type { Alert as ShownAlert } from './schemas/alerts.ts';

export function shownAlert(alert: Alert): ShownAlert {
  const { alertId, sequence, kind, severity, cause, detail, userId, portfolioId } = alert;
  return {
    ...{ id: alertId, sequence, kind, severity, cause, detail, userId, portfolioId },
    raisedAt: alert.raisedAt.toISOString(),
    acknowledgedAt: alert.acknowledgedAt?.toISOString() ?? null,
    acknowledgedBy: alert.acknowledgedBy,
  };
}

/** Whose alerts who asks sees. */
export function viewerOf(asker: Asker): Viewer {
  return { userId: asker.caller.userId, isOperator: reachesAll(asker) };
}
