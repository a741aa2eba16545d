import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig } from '#core/platform/config.ts';
import { Metrics } from '#core/platform/metrics.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { kafkaSecurity } from '#core/streams/kafka-security.ts';
import { createKafkaLog } from '#core/streams/kafka.ts';
import { makeAuthority, opensslMissing, type Authority } from '#tests/support/certificates.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from '#tests/support/kafka.ts';
import { requires } from '#tests/support/require.ts';
import { linesOf, readRecords, testLogger } from './harness.ts';

const missing = (await kafkaMissing()) ?? (await opensslMissing());
const user = 'ann';
const password = randomBytes(12).toString('hex');

describe('Kafka over TLS with a sign-in', requires(missing === undefined, 'Kafka', missing ?? ''), () => {
  let authority: Authority;
  let stranger: Authority;
  let kafka: TestKafka | undefined;
  const logs: EventLog[] = [];

  beforeAll(async () => {
    [authority, stranger] = await Promise.all([makeAuthority('ours'), makeAuthority('theirs')]);
    const { pem } = await authority.issue('IP:127.0.0.1');
    kafka = await startTestKafka({ security: { pem, caFile: authority.caFile, user, password } });
  }, 120_000);
  afterAll(async () => {
    await Promise.all(logs.map((log) => log.close()));
    await Promise.all([kafka?.close(), authority?.close(), stranger?.close()]);
  });

  /** A log as the environment configures it. */
  function logOf(env: Record<string, string>): EventLog {
    const brokers = kafka?.brokers ?? [];
    const config = loadConfig({ env: { TICKLAKE_KAFKA_BROKERS: brokers.join(','), ...env }, cwd: '/' });
    const log = createKafkaLog({
      ...{ brokers, clientId: 'test', security: kafkaSecurity(config) },
      ...{ logger: testLogger, metrics: new Metrics() },
    });
    logs.push(log);
    return log;
  }

  const signedIn = (mechanism: string, more: Record<string, string> = {}): Record<string, string> => ({
    TICKLAKE_KAFKA_TLS: 'true',
    TICKLAKE_KAFKA_CA_FILE: authority.caFile,
    TICKLAKE_KAFKA_SASL: mechanism,
    TICKLAKE_KAFKA_USER: user,
    TICKLAKE_KAFKA_PASSWORD: password,
    ...more,
  });

  it.each(['scram-sha-512', 'scram-sha-256', 'plain'])('is written and read with %s', async (mechanism) => {
    const log = logOf(signedIn(mechanism));
    await log.ensureTopic(mechanism, { partitions: 1, retentionMs: 3_600_000 });
    await log.append(mechanism, [{ key: 'a', value: '{"n":1}' }]);
    const [batch] = await readRecords(log, mechanism, [{ partition: 0, offset: 0 }], 1);
    expect(batch === undefined ? [] : linesOf(batch)).toEqual(['{"n":1}']);
    // The id of a topic is asked for on a connection of our own.
    expect((await log.describe(mechanism)).incarnation).toMatch(/^[0-9a-f-]{36}$/);
  });

  it.each([
    ['another authority', () => ({ TICKLAKE_KAFKA_CA_FILE: stranger.caFile }), /cannot be trusted/],
    ['a wrong password', () => ({ TICKLAKE_KAFKA_PASSWORD: 'wrong' }), /refuses the sign-in/],
  ])('is not used with %s', async (_what, more, message) => {
    for (const mechanism of ['scram-sha-512', 'plain']) {
      const log = logOf(signedIn(mechanism, more()));
      const wrong = { code: 'LOG_WRONG', message: expect.stringMatching(message) as unknown };
      await expect(log.describe('any')).rejects.toMatchObject(wrong);
      await expect(log.ping()).rejects.toMatchObject(wrong);
    }
  });
});
