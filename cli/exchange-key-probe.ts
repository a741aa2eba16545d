import type { Config } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { Probe } from './probe.ts';
import { openOrders } from './venue.ts';

const timeoutMs = 10_000;

/** Whether the exchange knows the key, where orders may go there: it is asked what the account has, and nothing is placed. */
export function exchangeKeyProbes(config: Config): Probe[] {
  if (!config.liveTrading) return [];
  return [
    {
      name: 'exchange key',
      needed: true,
      remedy: 'Check exchangeApiKey, its secret and kind, and the addresses that it may be used from.',
      find: async () => await accountFound(config),
    },
  ];
}

async function accountFound(config: Config): Promise<string> {
  const logger = createLogger({ level: 'silent', name: 'doctor' });
  const venue = await openOrders(config, logger, new Metrics());
  if (venue === undefined) throw new Error('there is no key');
  try {
    const signal = AbortSignal.timeout(timeoutMs);
    const aheadMs = Math.round((await venue.nowUs(signal)) / 1000 - Date.now());
    const assets = await venue.balances(signal);
    const open = await venue.openOrders(undefined, signal);
    return `${assets.length} assets, ${open.length} open orders, its clock ${aheadMs} ms ahead`;
  } finally {
    venue.close();
  }
}
