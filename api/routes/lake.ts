import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Static } from 'typebox';
import { dayKey, type DayKey, type DayProof, type ListingProof, type ProofFilter } from '#core/lake/proof.ts';
import { intervalUs, isInterval } from '#core/market/interval.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import type { MarketData } from '../market-data.ts';
import { decodeCursor, encodeCursor, pageOf } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import { TableQualityList } from '../schemas/quality.ts';
import { CoverageList, CoverageQuery, GapList, GapsQuery, LakeTableList, NoQuery } from '../schemas/lake.ts';

export const lakeRoutes: FastifyPluginCallbackTypebox<{ marketData: MarketData }> = (
  app,
  { marketData },
  done,
) => {
  app.get(
    '/v1/lake/tables',
    {
      schema: {
        tags: ['lake'],
        summary: 'Tables with their size and current snapshot',
        querystring: NoQuery,
        response: { 200: LakeTableList, ...problemAnswers },
      },
    },
    async () => ({ items: await marketData.tables(), nextCursor: null }),
  );

  app.get(
    '/v1/lake/quality',
    {
      schema: {
        tags: ['lake'],
        summary:
          'How fresh, complete and well tested each table is, and what keeps a mart from being published',
        querystring: NoQuery,
        response: { 200: TableQualityList, ...problemAnswers },
      },
    },
    async () => ({ items: await marketData.quality(), nextCursor: null }),
  );

  app.get(
    '/v1/lake/coverage',
    {
      schema: {
        tags: ['lake'],
        summary:
          'Ids and bars expected, held, explained and missing, by listing or by day, now or as of an earlier commit',
        querystring: CoverageQuery,
        response: { 200: CoverageList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      if (query.by === 'day') return await coverageByDay(query);
      const { rows, moments } = await marketData.coverage(proofFilter(query));
      const key = (row: ListingProof): string =>
        [row.table, row.source, row.listing, intervalText(row.interval)].join('\t');
      return { ...pageOf(rows, key, query), asOf: moments };
    },
  );

  app.get(
    '/v1/lake/gaps',
    {
      schema: {
        tags: ['lake'],
        summary:
          'Ids and bars that are expected and not held, and why where that is known; at most 10,000 ranges',
        querystring: GapsQuery,
        response: { 200: GapList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const { table, source, symbol, interval, kind, cause } = query;
      const rows = await marketData.gaps({
        ...(table === undefined ? {} : { table }),
        ...(source === undefined ? {} : { source }),
        ...(symbol === undefined ? {} : { symbols: [symbol] }),
        ...(interval === undefined ? {} : { intervals: [interval] }),
        ...(kind === undefined ? {} : { kind }),
        ...(cause === undefined ? {} : { cause }),
      });
      const order = { missing: 0, explained: 1 };
      return pageOf(
        rows,
        (row) =>
          [
            order[row.kind],
            row.table,
            row.source,
            row.listing,
            intervalText(row.interval),
            idText(row.from),
          ].join('\t'),
        query,
      );
    },
  );
  done();

  async function coverageByDay(query: Static<typeof CoverageQuery>): Promise<CoverageList> {
    const { from, to, cursor, limit } = query;
    const { rows, moments } = await marketData.coverageByDay({
      ...proofFilter(query),
      ...(from === undefined ? {} : { fromDay: from }),
      ...(to === undefined ? {} : { toDay: to }),
      ...(cursor === undefined ? {} : { after: dayCursor(cursor) }),
      limit: limit + 1,
    });
    const items = rows.slice(0, limit);
    const last = items.at(-1);
    const more = rows.length > limit && last !== undefined;
    return { items, nextCursor: more ? dayCursorOf(last) : null, asOf: moments };
  }
};

function proofFilter(query: Static<typeof CoverageQuery>): ProofFilter {
  const { table, source, symbol, interval, asOf } = query;
  return {
    ...(table === undefined ? {} : { table }),
    ...(source === undefined ? {} : { source }),
    ...(symbol === undefined ? {} : { symbol }),
    ...(interval === undefined ? {} : { interval }),
    ...(asOf === undefined ? {} : { asOf }),
  };
}

function dayCursor(cursor: string): DayKey {
  const [key, day, ...more] = decodeCursor(cursor).split('\n');
  if (key !== undefined && day !== undefined && more.length === 0) return { key, day };
  throw new TicklakeError('BAD_REQUEST', 'the cursor is not one of this list', {
    remedy: 'Pass `nextCursor` of the page before, unchanged, or none to start again.',
  });
}

function dayCursorOf(row: DayProof): string {
  const { key, day } = dayKey(row);
  return encodeCursor(`${key}\n${day}`);
}

/** Intervals so that the order of the texts is theirs: the shorter first. */
function intervalText(interval: string | null): string {
  return interval !== null && isInterval(interval) ? idText(intervalUs(interval)) : '';
}

/** Ids so that the order of the texts is theirs. */
function idText(id: number): string {
  return String(id).padStart(16, '0');
}
