import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { startSimulator, type Simulator } from '#core/exchanges/simulator/server.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';

export const logger = createLogger({ level: 'silent', name: 'test' });

/** A simulated venue that can be taken to a later time; what befalls its markets stays. */
export interface TimedVenue {
  readonly exchange: Exchange;
  readonly simulator: Simulator;
  /** Goes on at this time, RFC 3339. */
  goTo(time: string): Promise<void>;
  /** Adds an incident, by the admin route. */
  befall(incident: Record<string, unknown>): Promise<void>;
  close(): Promise<void>;
}

export async function openTimedVenue(
  seed: number,
  time: string,
  options: { symbols?: number; life?: 'calm' | 'eventful'; rate?: number } = {},
): Promise<TimedVenue> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-venue-'));
  const clockFile = join(dir, 'simulator.clock.json');
  const metrics = new Metrics();
  let simulator: Simulator;
  let exchange: Exchange;

  async function open(at: string): Promise<void> {
    await rm(clockFile, { force: true });
    simulator = await startSimulator({
      ...{ seed, symbols: 60, speed: 1, port: 0, clockFile, logger, metrics: new Metrics() },
      ...options,
      startTimeUs: Date.parse(at) * 1_000,
    });
    const { source, url: restUrl, wsUrl } = simulator;
    exchange = createBinanceExchange({ source, restUrl, wsUrl, logger, metrics });
  }
  async function end(): Promise<void> {
    await exchange.close();
    await simulator.close();
  }

  await open(time);
  return {
    get exchange() {
      return exchange;
    },
    get simulator() {
      return simulator;
    },
    async goTo(at) {
      await end();
      await open(at);
    },
    async befall(incident) {
      const answer = await fetch(`${simulator.url}/simulator/incidents`, {
        method: 'POST',
        body: JSON.stringify(incident),
      });
      if (!answer.ok) throw new Error(await answer.text());
    },
    async close() {
      await end();
      await rm(dir, { recursive: true, force: true });
    },
  };
}
