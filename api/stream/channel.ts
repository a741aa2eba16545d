import type { Entry, WindowBounds } from './window.ts';

/** What makes a topic of the event log a channel of the stream. */
export interface Channel<E extends Entry = Entry> extends WindowBounds {
  /** As clients name it. */
  readonly name: string;
  readonly topic: string;
  /**
   * The records among a batch's lines, of which the first has this offset. What is none of the topic's is left out: it is
   * other consumers that say why a record was refused.
   */
  decode(lines: Buffer, baseOffset: number): Iterable<E>;
  /** Some records of one series, each already JSON, as they stand in a message's `data`. */
  groupText(key: string, records: readonly string[]): string;
  /** Series whose newest records are held. */
  readonly seriesMax: number;
  /** Records of a series, and records in all, that a snapshot has at most. */
  readonly snapshotOfSeries: number;
  readonly snapshotMax: number;
}

/** Reads JSON lines one by one; what `read` makes of each, where it makes something of it. */
export function* entriesOf<E>(
  lines: Buffer,
  baseOffset: number,
  read: (record: unknown, offset: number) => E | undefined,
): Generator<E> {
  let offset = baseOffset;
  for (const line of lines.toString().split('\n')) {
    if (line === '') continue;
    const entry = read(parsed(line), offset);
    if (entry !== undefined) yield entry;
    offset += 1;
  }
}

/** `{"symbol":…,"source":…,"<list>":[…]}` of a series whose key begins with source and symbol. */
export function marketText(key: string, list: string, records: readonly string[]): string {
  const [source = '', symbol = ''] = key.split('|');
  return `{"symbol":${JSON.stringify(symbol)},"source":${JSON.stringify(source)},"${list}":[${records.join(',')}]}`;
}

function parsed(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
