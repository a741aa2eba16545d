/** Many clients of the stream in a process of their own, which does as its parent says: see `socket-crowd.ts`. */
import { once } from 'node:events';
import { randomOf } from './random.ts';
import { SocketClient } from './socket-client.ts';
import type { CrowdAnswer, CrowdOrder, CrowdSettings } from './socket-crowd.ts';

// Who started it may be gone.
process.on('disconnect', () => process.exit());
const [settings] = (await once(process, 'message')) as [CrowdSettings];
const { urls, followed, seed, lifeMs } = settings;
let reconnects = 0;
const clients = followed.map(
  (of, index) =>
    new SocketClient({
      ...{ urls, followed: of, lifeMs, random: randomOf(seed + index) },
      onReconnect: () => (reconnects += 1),
    }),
);
process.on('message', (order: CrowdOrder) => process.send?.(answer(order)));

function answer(order: CrowdOrder): CrowdAnswer {
  if (order === 'steady') for (const client of clients) client.steady();
  return { reconnects, ...(order === 'told' ? { told: clients.map(({ told }) => told) } : {}) };
}
