import { describe, expect, test } from 'vitest';
import { kafkaMissing, startTestKafka } from '#tests/support/kafka.ts';
import { requires } from '#tests/support/require.ts';
import { crashRun, problemsOf } from './crash.ts';

const noKafka = await kafkaMissing();
const seed = Number(process.env['TICKLAKE_TEST_SEED'] ?? Date.now() % 1_000_000);

describe('six kills at random instants lose no trade and double none', { timeout: 400_000 }, () => {
  test('on the embedded log', async () => {
    const result = await crashRun({ kills: 6, seed, speed: 60 });
    expect(problemsOf(result), result.story.join('\n')).toEqual([]);
  });

  test(
    'on Kafka, whose broker dies too',
    requires(noKafka === undefined, 'a Kafka broker', noKafka ?? ''),
    async () => {
      const kafka = await startTestKafka();
      try {
        const result = await crashRun({
          kills: 6,
          seed,
          speed: 60,
          ...(kafka === undefined ? {} : { kafka }),
        });
        expect(problemsOf(result), result.story.join('\n')).toEqual([]);
      } finally {
        await kafka?.close();
      }
    },
  );
});
