import { createServer, type IncomingHttpHeaders } from 'node:http';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Severity } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import { openSecretBox, type SecretBox } from '#core/alerts/sealed.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase, type Database } from '#core/platform/postgres/database.ts';
import { logger, openTestTrading, type TestTrading } from '#tests/core/trading/support.ts';

/** Users, and a database with the rights of the role `events`. */
export interface TellingGround {
  trading: TestTrading;
  database: Database;
  box: SecretBox;
  newUser(role?: 'trader' | 'operator'): Promise<string>;
  /** Raises alerts of a user with these causes, in one transaction. */
  raise(
    userId: string,
    causes: readonly string[],
    options?: { severity?: Severity; hasMail?: boolean },
  ): Promise<void>;
  close(): Promise<void>;
}

export async function openTellingGround(): Promise<TellingGround> {
  const trading = await openTestTrading();
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-telling-'));
  const login = { url: trading.url, setRole: 'ticklake_events' };
  const database = openDatabase({ ...login, applicationName: 'events', logger, metrics: new Metrics() });
  return {
    ...{ trading, database, box: await openSecretBox({ dataDir: dir }) },
    async newUser(role = 'trader') {
      const userId = randomUUID();
      await trading.database.query(
        'insert into identity.users (user_id, email, password_hash, role) values ($1, $2, $3, $4)',
        [userId, `${userId}@example.com`, `$2b$12$${'x'.repeat(53)}`, role],
      );
      return userId;
    },
    async raise(userId, causes, { severity = 'info', hasMail = false } = {}) {
      const facts = { kind: 'price_reached', severity, audience: 'user', detail: {}, userId } as const;
      const alerts = causes.map((cause) => ({ ...facts, cause, causeKey: `${userId} ${cause}` }));
      await database.transaction((tx) => announce(tx, alerts, { hasMail }));
    },
    async close() {
      await database.close();
      await trading.close();
      await rm(dir, { recursive: true, force: true });
    },
  };
}

export interface Received {
  path: string;
  headers: IncomingHttpHeaders;
  body: string;
}

/** A program that is told; answers by `answer`, or never. */
export async function startReceiver(
  answer: (received: Received, count: number) => number | undefined,
): Promise<{ url: string; received: Received[]; close(): void }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      const { url: path = '', headers } = request;
      const one = { path, headers, body: Buffer.concat(chunks).toString() };
      received.push(one);
      const status = answer(one, received.length);
      if (status !== undefined) response.writeHead(status, { location: '/elsewhere' }).end('thank you');
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    ...{ url: `http://127.0.0.1:${port}/hooks`, received },
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
