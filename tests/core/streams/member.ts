/** A group member of its own process: prints the partitions it owns, one JSON line at each change. */
import { openLogAt, type LogAddress } from './harness.ts';

interface MemberOptions {
  address: LogAddress;
  group: string;
  topic: string;
  sessionTimeoutMs: number;
}

const { address, group, topic, sessionTimeoutMs } = JSON.parse(process.argv[2] ?? '') as MemberOptions;
const owned = new Set<number>();

const consumer = await openLogAt(address).log.joinGroup({
  group,
  topic,
  sessionTimeoutMs,
  maxBufferedBytes: 1_000_000,
  onAssigned: (assigned) => {
    for (const { partition } of assigned) owned.add(partition);
    printOwned();
    return Promise.resolve(assigned.map(() => 0));
  },
  onRevoked: (revoked) => {
    for (const { partition } of revoked) owned.delete(partition);
    printOwned();
  },
});

for (;;) await consumer.poll(1_000, 1_000_000);

function printOwned(): void {
  process.stdout.write(`${JSON.stringify([...owned].sort((a, b) => a - b))}\n`);
}
