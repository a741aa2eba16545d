import type { NewSession } from '#api/schemas/identity.ts';
import type { PortfolioSummary } from '#api/schemas/portfolios.ts';
import { encodeTrade } from '#core/market/trade.ts';
import { tradeKey, tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, type TestLake } from '#tests/support/lake.ts';
import { expect, vi } from 'vitest';
import { asking, type Ask } from './asking.ts';
import { openService, source, type Service, type ServiceOptions } from './service.ts';

export const password = 'correct horse battery staple';

/** A service with a live price of BTCUSDT, and users who sign in. */
export interface TradingGround {
  ground: TestLake;
  service: Service;
  ask: Ask;
  /** A token of a new user. */
  signUp(email: string): Promise<string>;
  /** A portfolio of theirs with money. */
  openPortfolio(token: string, usdt?: string): Promise<string>;
  /** A trade at this price, at this moment, and waits until the service knows it. */
  trade(price: string): Promise<void>;
  close(): Promise<void>;
}

export async function openTradingGround(options: ServiceOptions = {}): Promise<TradingGround> {
  const ground = await openTestLake();
  await knowSymbols(ground.database, source, ['BTCUSDT', 'ETHUSDT']);
  const service = await openService(ground, options);
  const ask = asking(service.app);
  let tradeId = 0;

  const trade = async (price: string): Promise<void> => {
    tradeId += 1;
    const value = encodeTrade(
      {
        ...{ source, symbol: 'BTCUSDT', tradeId, price, volume: '0.50000000', side: 'buy' },
        timestampUs: Date.now() * 1_000,
      },
      'stream',
      String(Date.now() * 1_000_000),
    );
    await ground.log.append(tradesTopic, [{ key: tradeKey(source, 'BTCUSDT'), value }]);
    const wanted = tradeId;
    await vi.waitFor(
      async () => {
        const { items } = await ask<{ items: { lastTradeId: number }[] }>('GET', '/v1/markets');
        expect(items[0]?.lastTradeId).toBe(wanted);
      },
      { timeout: 20_000, interval: 20 },
    );
  };
  await trade('60000.00');
  return {
    ...{ ground, service, ask, trade },
    async signUp(email) {
      const body = { email, password };
      await ask('POST', '/v1/users', { body, status: 201 });
      return (await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 })).token;
    },
    async openPortfolio(token, usdt = '10000') {
      const body = { name: 'Test' };
      const { id } = await ask<PortfolioSummary>('POST', '/v1/portfolios', { token, body, status: 201 });
      const money = { asset: 'USDT', amount: usdt };
      await ask('POST', `/v1/portfolios/${id}/deposits`, { token, body: money, status: 201 });
      return id;
    },
    async close() {
      await service.close();
      await ground.close();
    },
  };
}
