import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { acknowledgeAlert, listAlerts } from '#core/alerts/alert.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { shownAlert, viewerOf } from '../alerts-shown.ts';
import { askerOf } from '../plugins/authenticate.ts';
import * as schemas from '../schemas/alerts.ts';
import { problemAnswers } from '../schemas/common.ts';
import { NoQuery } from '../schemas/lake.ts';
import { pageAfter, placeCursor } from '../trading/cursors.ts';

/** What people should know of. */
export const alertRoutes: FastifyPluginCallbackTypebox<{ database: Database }> = (
  app,
  { database },
  done,
) => {
  app.get(
    '/v1/alerts',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Your alerts, the newest first; who watches over trading sees what is unusual in it, too',
        querystring: schemas.AlertsQuery,
        response: { 200: schemas.AlertList, ...problemAnswers },
      },
    },
    async (request) => {
      const { state, kind, severity, cursor, limit } = request.query;
      const found = await listAlerts(database, viewerOf(askerOf(request)), {
        ...{ kind, severity, after: placeCursor(cursor), limit: limit + 1 },
        state: state === 'all' ? undefined : state,
      });
      const page = pageAfter(found, limit, ({ raisedUs, alertId }) => `${raisedUs}@${alertId}`);
      return { items: page.items.map(shownAlert), nextCursor: page.nextCursor };
    },
  );

  app.post(
    '/v1/alerts/:alertId/acknowledge',
    {
      schema: {
        tags: ['alerts'],
        summary: 'Say that you have seen to an alert; the first one to say so stands',
        params: schemas.AlertParams,
        querystring: NoQuery,
        response: { 200: schemas.Alert, ...problemAnswers },
      },
    },
    async (request) =>
      shownAlert(await acknowledgeAlert(database, viewerOf(askerOf(request)), request.params.alertId)),
  );
  done();
};
