import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { readAudit } from '#core/identity/audit.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { AuditList, AuditQuery } from '../schemas/audit.ts';
import { problemAnswers } from '../schemas/common.ts';
import { numberCursor, pageAfter } from '../trading/cursors.ts';

/** What was done about who may do what. */
export const auditRoutes: FastifyPluginCallbackTypebox<{ database: Database }> = (
  app,
  { database },
  done,
) => {
  app.get(
    '/v1/audit',
    {
      schema: {
        tags: ['identity'],
        summary: 'Sign-ins, passwords, roles, keys and kill switches, the newest first',
        querystring: AuditQuery,
        response: { 200: AuditList, ...problemAnswers },
      },
    },
    async ({ query: { cursor, limit, userId } }) => {
      const found = await readAudit(database, { limit: limit + 1, before: numberCursor(cursor), userId });
      const { items, nextCursor } = pageAfter(found, limit, ({ entryId }) => String(entryId));
      return {
        items: items.map(({ entryId, at, ...entry }) => ({ id: entryId, at: at.toISOString(), ...entry })),
        nextCursor,
      };
    },
  );
  done();
};
