import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import { instantUs, timeFromUs } from '../format.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  FindingList,
  IncidentList,
  IncidentsQuery,
  ReconciliationQuery,
  RestatementList,
  RestatementsQuery,
  type Finding,
  type Incident,
  type Restatement,
} from '../schemas/reports.ts';

const incidentsSql = sqlFile(import.meta.url, '../sql/ledger/incidents.sql');
const reconciliationSql = sqlFile(import.meta.url, '../sql/ledger/reconciliation.sql');
const restatementsSql = sqlFile(import.meta.url, '../sql/ledger/restatements.sql');

interface IncidentRow extends Omit<Incident, 'from' | 'to'> {
  fromUs: number;
  toUs: number | null;
}

interface FindingRow extends Finding {
  foundText: string;
  key: string;
}

/** What was found about the data: what befell the venues, where channels disagree, what the archive replaced. */
export const reportRoutes: FastifyPluginCallbackTypebox<{ database: Transaction }> = (
  app,
  { database },
  done,
) => {
  app.get(
    '/v1/lake/incidents',
    {
      schema: {
        tags: ['lake'],
        summary: 'Outages, halts, ends and begins of markets, and how we know, the newest first',
        querystring: IncidentsQuery,
        response: { 200: IncidentList, ...problemAnswers },
      },
    },
    async ({ query: { source, symbol, kind, from, to, knownAt, cursor, limit } }) => {
      const [beforeUs = null, beforeId = null] = placeOf(cursor, /^-?\d+\n\d+$/);
      const { rows } = await database.query<IncidentRow>(incidentsSql, [
        ...[source ?? null, symbol ?? null, kind ?? null],
        ...[from === undefined ? null : instantUs(from), to === undefined ? null : instantUs(to)],
        ...[knownAt === undefined ? null : new Date(instantUs(knownAt) / 1_000), beforeUs, beforeId],
        limit + 1,
      ]);
      const items = rows.slice(0, limit).map(({ fromUs, toUs, ...rest }) => ({
        ...rest,
        from: timeFromUs(fromUs),
        to: toUs === null ? null : timeFromUs(toUs),
      }));
      return { items, nextCursor: nextOf(rows, limit, (row) => `${row.fromUs}\n${row.incidentId}`) };
    },
  );

  app.get(
    '/v1/lake/reconciliation',
    {
      schema: {
        tags: ['lake'],
        summary:
          'Where bars of REST, bars that are held and candles of trades disagree, and which to believe',
        querystring: ReconciliationQuery,
        response: { 200: FindingList, ...problemAnswers },
      },
    },
    async ({ query: { table, source, symbol, interval, state, cursor, limit } }) => {
      const [beforeTime = null, beforeKey = null] = placeOf(cursor, /^\d{4}-[^\n]+\n[0-9a-f]{32}$/);
      const { rows } = await database.query<FindingRow>(reconciliationSql, [
        ...[table ?? null, source ?? null, symbol ?? null, interval ?? null],
        ...[state === 'all' ? null : state === 'open', beforeTime, beforeKey, limit + 1],
      ]);
      const next = nextOf(rows, limit, (row) => `${row.foundText}\n${row.key}`);
      return { items: rows.slice(0, limit), nextCursor: next };
    },
  );

  app.get(
    '/v1/lake/restatements',
    {
      schema: {
        tags: ['lake'],
        summary:
          'Files that the bulk archive replaced after they were taken, and what that changed, the newest first',
        querystring: RestatementsQuery,
        response: { 200: RestatementList, ...problemAnswers },
      },
    },
    async ({ query: { source, symbol, interval, cursor, limit } }) => {
      const [beforeId = null] = placeOf(cursor, /^\d+$/);
      const { rows } = await database.query<Restatement>(restatementsSql, [
        ...[source ?? null, symbol ?? null, interval ?? null, beforeId, limit + 1],
      ]);
      return {
        items: rows.slice(0, limit),
        nextCursor: nextOf(rows, limit, (row) => `${row.restatementId}`),
      };
    },
  );
  done();
};

/** What a cursor says, in lines. */
function placeOf(cursor: string | undefined, form: RegExp): string[] {
  if (cursor === undefined) return [];
  const text = decodeCursor(cursor);
  if (form.test(text)) return text.split('\n');
  throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}

function nextOf<T>(rows: readonly T[], limit: number, textOf: (row: T) => string): string | null {
  const last = rows[limit - 1];
  return rows.length > limit && last !== undefined ? encodeCursor(textOf(last)) : null;
}
