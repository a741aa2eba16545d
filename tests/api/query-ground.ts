import type { NewSession, User } from '#api/schemas/identity.ts';
import type { Problem } from '#api/schemas/common.ts';
import type { Role } from '#core/identity/roles.ts';
import { giveRole } from '#core/identity/users.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { knowSymbols, openTestLake, tradeRecords, type TestLake } from '#tests/support/lake.ts';
import { asking } from './asking.ts';
import { openService, source, type Service, type ServiceOptions } from './service.ts';

const password = 'correct horse battery staple';
export const trades = 3_000;

/** A listening service over a lake with some trades, and users who query it. */
export interface QueryGround {
  ground: TestLake;
  service: Service;
  /** A token of a new user. */
  signUp(name: string, role?: Role): Promise<string>;
  /** Asks as a program does, over a socket. */
  post(token: string, body: object, init?: RequestInit): Promise<Response>;
  /** The same for what must be refused or stopped. */
  refusal(token: string, sql: string): Promise<Problem>;
  url: string;
  close(): Promise<void>;
}

export async function openQueryGround(options: ServiceOptions = {}): Promise<QueryGround> {
  const ground = await openTestLake();
  await knowSymbols(ground.database, source, ['BTCUSDT']);
  const consumer = await ground.startConsumer();
  // Two commits, so that there is something to read as of.
  for (const from of [0, trades / 2]) {
    await ground.log.append(tradesTopic, tradeRecords(source, 'BTCUSDT', from, from + trades / 2));
    await Promise.race([consumer.drained(AbortSignal.timeout(60_000)), consumer.failed]);
  }
  await consumer.close();
  const service = await openService(ground, options);
  const ask = asking(service.app);
  const url = await service.app.listen({ host: '127.0.0.1', port: 0 });
  const post = async (token: string, body: object, init: RequestInit = {}): Promise<Response> =>
    await fetch(`${url}/v1/query`, {
      method: 'POST',
      body: JSON.stringify(body),
      ...init,
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...init.headers },
    });
  return {
    ...{ ground, service, post, url },
    async signUp(name, role) {
      const body = { email: `${name}@example.com`, password };
      const { id } = await ask<User>('POST', '/v1/users', { body, status: 201 });
      if (role !== undefined) await giveRole(ground.database, id, role);
      service.identity.sessions.forget(id);
      return (await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 })).token;
    },
    async refusal(token, sql) {
      const answer = await post(token, { sql });
      const problem = (await answer.json()) as Problem;
      return { ...problem, status: answer.status };
    },
    async close() {
      await service.close();
      await ground.close();
    },
  };
}
