import { spawn, type ChildProcess } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import { mkdtemp, open, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { Kafka, logLevel, type KafkaConfig } from 'kafkajs';
import { kafkaIsInstalled, kafkaJars } from './install-kafka.ts';

export interface TestKafka {
  brokers: string[];
  /** `kill -9` of the broker; its data stay. */
  kill(): Promise<void>;
  /** Starts the broker again on the same data and ports; resolves when it serves. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

const startMsMax = 60_000;

/** Why no broker can run here, for `requires`; undefined when one can. */
export async function kafkaMissing(): Promise<string | undefined> {
  const java = await execa('java', ['-version'], { reject: false });
  const major = Number(/version "(\d+)/.exec(java.stderr)?.[1] ?? 0);
  if (major < 17) return 'Kafka tests need Java 17 or newer on the PATH';
  if (await kafkaIsInstalled()) return undefined;
  return 'Kafka tests need the broker: run `node tests/support/install-kafka.ts`';
}

/** TLS and a sign-in for a test's broker. */
export interface BrokerSecurity {
  /** Key and certificate of the broker, in PEM. */
  pem: string;
  caFile: string;
  user: string;
  password: string;
}

/**
 * A real broker (KRaft, one node) on free loopback ports; undefined where {@link kafkaMissing} gives a reason. With
 * `security` it takes nobody without TLS and one of the mechanisms of SASL.
 */
export async function startTestKafka(
  options: { security?: BrokerSecurity } = {},
): Promise<TestKafka | undefined> {
  if ((await kafkaMissing()) !== undefined) return undefined;
  const directory = await mkdtemp(join(tmpdir(), 'ticklake-kafka-'));
  const [port, controllerPort] = await freePorts();
  const properties = join(directory, 'server.properties');
  const { security } = options;
  const keystore = join(directory, 'broker.pem');
  if (security !== undefined) await writeFile(keystore, security.pem, { mode: 0o600 });
  const listener = security === undefined ? 'PLAINTEXT' : 'SASL_SSL';
  await writeFile(
    properties,
    [
      serverProperties(directory, listener, port, controllerPort),
      ...(security === undefined ? [] : [securityProperties(security, keystore)]),
    ].join(''),
  );
  await execa('java', [
    ...javaOptions,
    'kafka.tools.StorageTool',
    'format',
    // An id may begin with a dash, which would be taken for an option.
    `--cluster-id=${clusterId()}`,
    '-c',
    properties,
    ...(security === undefined ? [] : credentials(security)),
  ]);

  const brokers = [`127.0.0.1:${port}`];
  const client = { brokers, ...(security === undefined ? {} : await clientOf(security)) };
  let broker = await startBroker(directory, properties, client);
  return {
    brokers,
    kill: async () => await stop(broker, 'SIGKILL'),
    restart: async () => {
      broker = await startBroker(directory, properties, client);
    },
    close: async () => {
      await stop(broker, 'SIGKILL');
      await rm(directory, { recursive: true, force: true });
    },
  };
}

const javaOptions = [
  ...['-Xms256m', '-Xmx256m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1'],
  ...['-Dorg.slf4j.simpleLogger.defaultLogLevel=warn', '-cp', join(kafkaJars, '*')],
];

async function startBroker(
  directory: string,
  properties: string,
  client: KafkaConfig,
): Promise<ChildProcess> {
  const output = await open(join(directory, 'broker.log'), 'a');
  const broker = spawn('java', [...javaOptions, 'kafka.Kafka', properties], {
    stdio: ['ignore', output.fd, output.fd],
  });
  await output.close();
  const orphaned = () => broker.kill('SIGKILL');
  process.once('exit', orphaned);
  broker.once('exit', () => process.removeListener('exit', orphaned));

  const admin = new Kafka({ ...client, logLevel: logLevel.NOTHING, retry: { retries: 0 } }).admin();
  for (const startedMs = Date.now(); Date.now() - startedMs < startMsMax && broker.exitCode === null;) {
    const isServing = await admin
      .connect()
      .then(async () => (await admin.describeCluster()).brokers.length > 0)
      .catch(() => false);
    await admin.disconnect();
    if (isServing) return broker;
    await sleep(200);
  }
  await stop(broker, 'SIGKILL');
  throw new Error(
    `Kafka did not start:\n${(await readFile(join(directory, 'broker.log'), 'utf8')).slice(-2_000)}`,
  );
}

async function stop(broker: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (broker.exitCode !== null || broker.signalCode !== null) return;
  const exited = once(broker, 'exit');
  broker.kill(signal);
  await exited;
}

function serverProperties(directory: string, listener: string, port: number, controllerPort: number): string {
  return `
process.roles=broker,controller
node.id=1
controller.quorum.voters=1@127.0.0.1:${controllerPort}
listeners=${listener}://127.0.0.1:${port},CONTROLLER://127.0.0.1:${controllerPort}
advertised.listeners=${listener}://127.0.0.1:${port}
controller.listener.names=CONTROLLER
log.dirs=${join(directory, 'data')}
offsets.topic.replication.factor=1
offsets.topic.num.partitions=1
transaction.state.log.replication.factor=1
transaction.state.log.num.partitions=1
transaction.state.log.min.isr=1
share.coordinator.state.topic.replication.factor=1
group.initial.rebalance.delay.ms=0
group.min.session.timeout.ms=1000
auto.create.topics.enable=false
`;
}

function securityProperties({ caFile, user, password }: BrokerSecurity, keystore: string): string {
  const login = (module: string, more = ''): string =>
    `org.apache.kafka.common.security.${module} required username="${user}" password="${password}"${more};`;
  const scram = login('scram.ScramLoginModule');
  return `
listener.security.protocol.map=SASL_SSL:SASL_SSL,CONTROLLER:PLAINTEXT
inter.broker.listener.name=SASL_SSL
sasl.mechanism.inter.broker.protocol=SCRAM-SHA-512
sasl.enabled.mechanisms=SCRAM-SHA-512,SCRAM-SHA-256,PLAIN
listener.name.sasl_ssl.scram-sha-512.sasl.jaas.config=${scram}
listener.name.sasl_ssl.scram-sha-256.sasl.jaas.config=${scram}
listener.name.sasl_ssl.plain.sasl.jaas.config=${login('plain.PlainLoginModule', ` user_${user}="${password}"`)}
ssl.keystore.type=PEM
ssl.keystore.location=${keystore}
ssl.truststore.type=PEM
ssl.truststore.location=${caFile}
`;
}

function credentials({ user, password }: BrokerSecurity): string[] {
  return ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
    '--add-scram',
    `${mechanism}=[name=${user},password=${password}]`,
  ]);
}

async function clientOf({ caFile, user, password }: BrokerSecurity): Promise<Partial<KafkaConfig>> {
  const ca = await readFile(caFile, 'utf8');
  return { ssl: { ca }, sasl: { mechanism: 'scram-sha-512', username: user, password } };
}

/** 16 random bytes as Kafka writes ids: base64url without padding. */
function clusterId(): string {
  return Buffer.from(randomUUID().replaceAll('-', ''), 'hex').toString('base64url');
}

async function freePorts(): Promise<[number, number]> {
  const servers = [createServer(), createServer()];
  const ports = await Promise.all(
    servers.map(async (server) => {
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      return typeof address === 'object' && address !== null ? address.port : 0;
    }),
  );
  await Promise.all(servers.map(async (server) => await new Promise((resolve) => server.close(resolve))));
  return [ports[0] ?? 0, ports[1] ?? 0];
}
