import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { LedgerFilter, MarketData } from '../market-data.ts';
import { pageOf } from '../paging.ts';
import { problemAnswers } from '../schemas/common.ts';
import { CoverageList, GapList, LakeTableList, LedgerQuery, NoQuery } from '../schemas/lake.ts';

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
    '/v1/lake/coverage',
    {
      schema: {
        tags: ['lake'],
        summary: 'Ids expected, held, explained and missing, by listing',
        querystring: LedgerQuery,
        response: { 200: CoverageList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const rows = await marketData.coverage(filterOf(query));
      return pageOf(rows, (row) => [row.table, row.source, row.listing, row.interval].join('\t'), query);
    },
  );

  app.get(
    '/v1/lake/gaps',
    {
      schema: {
        tags: ['lake'],
        summary: 'Ids that are not held, and why where that is known; at most 10,000 ranges',
        querystring: LedgerQuery,
        response: { 200: GapList, ...problemAnswers },
      },
    },
    async ({ query }) => {
      const rows = await marketData.gaps(filterOf(query));
      const order = { missing: 0, explained: 1 };
      return pageOf(
        rows,
        (row) =>
          [order[row.kind], row.table, row.source, row.listing, row.interval, idText(row.from)].join('\t'),
        query,
      );
    },
  );
  done();
};

function filterOf(query: LedgerFilter): LedgerFilter {
  const { table, source, symbol } = query;
  return {
    ...(table === undefined ? {} : { table }),
    ...(source === undefined ? {} : { source }),
    ...(symbol === undefined ? {} : { symbol }),
  };
}

/** Ids so that the order of the texts is theirs. */
function idText(id: number): string {
  return String(id).padStart(16, '0');
}
