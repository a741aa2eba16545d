/**
 * The simulator in a process of its own, so that what is killed or busy beside it does not stop the venue. Its options
 * are the one argument, as JSON; it tells where it listens, and when asked how it answered.
 */
import { startSimulator, type SimulatorOptions } from '#core/exchanges/simulator/server.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';

const metrics = new Metrics();
const simulator = await startSimulator({
  ...(JSON.parse(process.argv[2] ?? '{}') as Omit<SimulatorOptions, 'logger' | 'metrics'>),
  logger: createLogger({ level: 'silent', name: 'simulator' }),
  metrics,
});
process.on(
  'message',
  () => void metrics.registry.metrics().then((text) => process.send?.({ metrics: text })),
);
process.on('disconnect', () => void simulator.close().then(() => process.exit()));
process.send?.({ url: simulator.url, wsUrl: simulator.wsUrl, source: simulator.source });
