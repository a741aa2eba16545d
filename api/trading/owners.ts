import { LRUCache } from 'lru-cache';
import { TicklakeError } from '#core/platform/errors.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { reaches, type Asker } from '../rights.ts';
import { assertLive } from './live.ts';

/** Whose a portfolio is, and which portfolio an order is of: neither ever changes. */
export interface Owners {
  /** @throws NOT_FOUND for a portfolio that there is not, or that the caller does not reach: both look alike. */
  checkPortfolio(asker: Asker, portfolioId: string): Promise<void>;
  /**
   * That orders of a portfolio are executed: one at an exchange only for an operator or admin, where the service trades live.
   * @throws LIVE_TRADING_OFF, FORBIDDEN
   */
  checkExecution({ caller }: Pick<Asker, 'caller'>, portfolioId: string): Promise<void>;
  /** The portfolio of an order. @throws NOT_FOUND as above */
  portfolioOfOrder(asker: Asker, orderId: string): Promise<string>;
}

const rememberedMax = 20_000;

export function openOwners(database: Database, liveSource: string | undefined): Owners {
  const owners = new LRUCache<string, string>({ max: rememberedMax });
  const venues = new LRUCache<string, string>({ max: rememberedMax });
  const portfolios = new LRUCache<string, string>({ max: rememberedMax });

  async function remembered(
    known: LRUCache<string, string>,
    id: string,
    statement: string,
  ): Promise<string | undefined> {
    const found = known.get(id);
    if (found !== undefined) return found;
    const { rows } = await database.query<{ id: string }>(statement, [id]);
    if (rows[0] !== undefined) known.set(id, rows[0].id);
    return rows[0]?.id;
  }

  /** Whether it is reached, there is none, or it is another's: to who asks, the last two look alike. */
  async function stateOf(asker: Asker, portfolioId: string): Promise<'reached' | 'missing' | 'foreign'> {
    const statement = 'select user_id as id from trading.portfolios where portfolio_id = $1';
    const ownerId = await remembered(owners, portfolioId, statement);
    if (ownerId === undefined) return 'missing';
    return reaches(asker, ownerId) ? 'reached' : 'foreign';
  }

  return {
    async checkPortfolio(asker, portfolioId) {
      const state = await stateOf(asker, portfolioId);
      if (state === 'reached') return;
      throw new TicklakeError('NOT_FOUND', `there is no portfolio ${portfolioId}`, {
        remedy: 'GET /v1/portfolios lists yours.',
        context: { isRefusal: state === 'foreign' },
      });
    },
    async checkExecution({ caller }, portfolioId) {
      const statement = `select coalesce(venue, '') as id from trading.heads where portfolio_id = $1`;
      const venue = await remembered(venues, portfolioId, statement);
      if (venue !== undefined && venue !== '') assertLive(caller, liveSource, venue);
    },
    async portfolioOfOrder(asker, orderId) {
      const statement = 'select portfolio_id as id from trading.orders where order_id = $1';
      const portfolioId = await remembered(portfolios, orderId, statement);
      const state = portfolioId === undefined ? 'missing' : await stateOf(asker, portfolioId);
      if (portfolioId !== undefined && state === 'reached') return portfolioId;
      throw new TicklakeError('NOT_FOUND', `there is no order ${orderId}`, {
        remedy: 'GET /v1/orders lists yours.',
        context: { isRefusal: state === 'foreign' },
      });
    },
  };
}
