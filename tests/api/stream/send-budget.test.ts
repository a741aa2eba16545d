import { expect, test } from 'vitest';
import { createSendBudget, type Reader } from '#api/stream/send-budget.ts';
import { Metrics } from '#core/platform/metrics.ts';

test('when too much waits for all, the slowest are dropped until the rest is within the bound', async () => {
  const metrics = new Metrics();
  const budget = createSendBudget({ metrics, bytesMax: 1_000, lookEveryBytes: 100 });
  const dropped: string[] = [];
  const readers = new Map<string, Reader>();
  const waiting = { quick: 0, fair: 400, slow: 500, slowest: 700 };
  for (const [name, bytes] of Object.entries(waiting)) {
    const reader: Reader = {
      bufferedBytes: () => bytes,
      drop() {
        dropped.push(name);
        budget.remove(reader);
      },
    };
    readers.set(name, reader);
    budget.add(reader);
  }
  budget.sent(99);
  expect(dropped).toEqual([]);
  budget.sent(1);
  expect(dropped).toEqual(['slowest']);
  expect(await metrics.registry.getSingleMetricAsString('ticklake_stream_buffered_bytes')).toContain(
    'ticklake_stream_buffered_bytes 1600',
  );
  budget.sent(100);
  expect(dropped).toEqual(['slowest']);
});
