import { expect, test } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';

test('asking twice for a name gives the same metric', async () => {
  const metrics = new Metrics();
  metrics.counter('ticklake_test_records_total', 'Records.', ['symbol']).inc({ symbol: 'BTCUSDT' }, 2);
  metrics.counter('ticklake_test_records_total', 'Records.', ['symbol']).inc({ symbol: 'BTCUSDT' });
  metrics.gauge('ticklake_test_waiting_bytes', 'Bytes.').set(7);
  expect(await metrics.registry.metrics()).toContain('ticklake_test_records_total{symbol="BTCUSDT"} 3');
  expect(await metrics.registry.metrics()).toContain('ticklake_test_waiting_bytes 7');
});

test('two sets of metrics do not meet', async () => {
  const [one, other] = [new Metrics(), new Metrics()];
  one.counter('ticklake_test_total', 'Things.').inc();
  expect(await one.registry.metrics()).toContain('ticklake_test_total 1');
  expect(await other.registry.metrics()).not.toContain('ticklake_test_total');
});

test('histograms have the buckets that were asked for', async () => {
  const metrics = new Metrics();
  metrics.histogram('ticklake_test_seconds', 'Seconds.', [], [1, 2]).observe(1.5);
  const text = await metrics.registry.metrics();
  expect(text).toContain('ticklake_test_seconds_bucket{le="1"} 0');
  expect(text).toContain('ticklake_test_seconds_bucket{le="2"} 1');
});

test('the process’s own figures are there when asked for', async () => {
  const metrics = new Metrics();
  expect(await metrics.registry.metrics()).not.toContain('process_cpu');
  metrics.collectProcess();
  expect(await metrics.registry.metrics()).toContain('process_cpu_seconds_total');
});
