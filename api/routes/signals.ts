import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { instantUs } from '../format.ts';
import { decodeCursor, encodeCursor } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import { LatestSignalsQuery, SignalList, SignalsQuery } from '../schemas/signals.ts';
import { latestSignals, listSignals } from '../signal-data.ts';

/** What strategies said. */
export const signalRoutes: FastifyPluginCallbackTypebox<{ database: Transaction }> = (
  app,
  { database },
  done,
) => {
  app.get(
    '/v1/signals',
    {
      schema: {
        tags: ['signals'],
        summary: 'Signals of strategies, those of the newest bars first',
        querystring: SignalsQuery,
        response: { 200: SignalList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { symbol, from, to, cursor, limit, ...rest } = query;
      const filter = {
        ...rest,
        ...(symbol === undefined ? {} : { symbols: [symbol] }),
        ...(from === undefined ? {} : { fromUs: instantUs(from) }),
        ...(to === undefined ? {} : { toUs: instantUs(to) }),
      };
      const after = cursor === undefined ? {} : { after: placeOf(cursor) };
      const items = await listSignals(database, filter, { ...after, limit });
      const last = items.length === limit ? items.at(-1) : undefined;
      const next = last && `${instantUsOf(last.openTime)}@${last.signalId}`;
      return { items, nextCursor: next === undefined ? null : encodeCursor(next) };
    },
  );

  app.get(
    '/v1/signals/latest',
    {
      schema: {
        tags: ['signals'],
        summary: 'The newest signal of each strategy, market and interval',
        querystring: LatestSignalsQuery,
        response: { 200: SignalList, ...problemAnswers },
      },
    },
    async ({ query: { cursor, limit, ...filter } }) => {
      const after = cursor === undefined ? {} : { after: seriesOf(cursor) };
      const items = await latestSignals(database, filter, { ...after, limit });
      const last = items.length === limit ? items.at(-1) : undefined;
      const next = last && [last.strategy, last.source, last.symbol, last.interval].join('@');
      return { items, nextCursor: next === undefined ? null : encodeCursor(next) };
    },
  );
  done();
};

/** Microseconds of a time that the service wrote; `Date` has only their thousands. */
function instantUsOf(time: string): number {
  return Date.parse(time) * 1_000 + Number(time.slice(23, 26));
}

const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

function placeOf(cursor: string): { openUs: number; signalId: string } {
  const [us = '', signalId = ''] = decodeCursor(cursor).split('@');
  const openUs = Number(us);
  if (!/^\d+$/.test(us) || !Number.isSafeInteger(openUs) || !uuid.test(signalId)) throw foreignCursor();
  return { openUs, signalId };
}

function seriesOf(cursor: string): [string, string, string, string] {
  const [strategy, source, symbol, interval, ...more] = decodeCursor(cursor).split('@');
  if (strategy === undefined || source === undefined || symbol === undefined) throw foreignCursor();
  if (interval === undefined || more.length > 0) throw foreignCursor();
  return [strategy, source, symbol, interval];
}

function foreignCursor(): TicklakeError {
  return new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}
