import { LRUCache } from 'lru-cache';
import type { Metrics } from '#core/platform/metrics.ts';
import type { Channel } from './channel.ts';
import { snapshotText, updateText, type Frame } from './frames.ts';
import { joined, sizeOf, without, type Interest } from './interest.ts';
import { encodeToken, type LogPlace } from './resume-token.ts';
import type { TailListener } from './tail.ts';
import { SeriesWindow, type Entry, type Taken } from './window.ts';

/** Somebody who gets what happens in the series they asked for. */
export interface Subscriber {
  /** Changed by the hub alone. */
  interest: Interest;
  /** How each message to them begins, by {@link labelOf}. */
  readonly label: string;
  /** Hands over one message; never waits. */
  send(frame: Frame): void;
}

export interface Hub<E extends Entry = Entry> extends TailListener<E> {
  readonly tailing: boolean;
  /** The newest record of a series since the process started, or shortly before. */
  last(key: string): E | undefined;
  /** Series of which the newest records are held. */
  keys(): Iterable<string>;
  /** Sends the newest records of series, then all that follow. */
  subscribe(subscriber: Subscriber, interest: Interest, reset: boolean): void;
  /** Whether all records of series from a place on are at hand, and no place is ahead of what was read. */
  canServe(interest: Interest, place: LogPlace): boolean;
  /**
   * Sends the records from `place` on that `isNew` lets through, then all that follow. Only where {@link Hub.canServe}
   * holds, in the same turn of the event loop.
   */
  resume(subscriber: Subscriber, interest: Interest, place: LogPlace, isNew: (entry: Entry) => boolean): void;
  /** Gives up series, or with a rule all. */
  unsubscribe(subscriber: Subscriber, interest: Interest): void;
  remove(subscriber: Subscriber): void;
  close(): void;
}

const frameMs = 75;
const pendingMax = 5_000;

/** Keeps the newest records of all series of a channel and hands what is new to subscribers, a frame every 75 ms at most. */
export function createHub<E extends Entry>(channel: Channel<E>, metrics: Metrics): Hub<E> {
  return new ChannelHub(channel, metrics);
}

class ChannelHub<E extends Entry> implements Hub<E> {
  readonly #channel: Channel<E>;
  readonly #subscribers = new Set<Subscriber>();
  readonly #windows: LRUCache<string, SeriesWindow<E>>;
  readonly #pending = new Map<string, string[]>();
  readonly #metrics: ReturnType<typeof hubMetrics>;
  #pendingRecords = 0;
  #timer: NodeJS.Timeout | undefined;
  #framedAt = 0;
  #tailing = false;
  #incarnation = '';
  #offsets: number[] = [];
  /** What a series without a window had no record since. */
  #quietSince: number[] = [];

  constructor(channel: Channel<E>, metrics: Metrics) {
    this.#channel = channel;
    this.#metrics = hubMetrics(metrics, channel.name);
    this.#windows = new LRUCache({
      max: channel.seriesMax,
      dispose: (_window, _key, reason) => {
        if (reason === 'evict') this.#quietSince = [...this.#offsets];
      },
    });
  }

  get tailing(): boolean {
    return this.#tailing;
  }

  attached(reading: boolean): void {
    this.#tailing = reading;
    this.#metrics.tailing(reading ? 1 : 0);
  }

  restarted(place: LogPlace): void {
    this.#flush();
    this.#windows.clear();
    this.#incarnation = place.incarnation;
    this.#offsets = [...place.offsets];
    this.#quietSince = [...place.offsets];
    for (const subscriber of this.#subscribers) {
      const { interest } = subscriber;
      if (sizeOf(interest) > 0) subscriber.send(this.#snapshot(subscriber, interest, true));
    }
  }

  records(partition: number, entries: Iterable<E>, nextOffset: number): void {
    const counts: Record<Taken, number> = { new: 0, duplicate: 0, late: 0 };
    for (const entry of entries) counts[this.#take(partition, entry)] += 1;
    this.#metrics.records(counts);
    this.#offsets[partition] = nextOffset;
    if (this.#pendingRecords >= pendingMax) this.#flush();
    else if (this.#pendingRecords > 0) {
      // The first goes at once: a frame is waited for only after another.
      const waitMs = Math.max(0, this.#framedAt + frameMs - performance.now());
      this.#timer ??= setTimeout(() => this.#flush(), waitMs);
    }
  }

  last(key: string): E | undefined {
    return this.#windows.peek(key)?.last;
  }

  keys(): Iterable<string> {
    return this.#windows.keys();
  }

  subscribe(subscriber: Subscriber, interest: Interest, reset: boolean): void {
    this.#flush();
    subscriber.send(this.#snapshot(subscriber, interest, reset));
    this.#attach(subscriber, interest);
  }

  canServe(interest: Interest, place: LogPlace): boolean {
    if (place.incarnation !== this.#incarnation || place.offsets.length !== this.#offsets.length)
      return false;
    if (place.offsets.some((offset, partition) => offset > (this.#offsets[partition] ?? 0))) return false;
    const windows = this.#windowsOf(interest);
    const isEachHeld = interest instanceof Set && windows.length === interest.size;
    return (
      (isEachHeld ||
        place.offsets.every((offset, partition) => offset >= (this.#quietSince[partition] ?? 0))) &&
      windows.every(({ floorOffset, partition }) => floorOffset <= (place.offsets[partition] ?? -1))
    );
  }

  resume(...[subscriber, interest, place, isNew]: Parameters<Hub['resume']>): void {
    this.#flush();
    const data = this.#windowsOf(interest).flatMap((window) => {
      const missed = window.from(place.offsets[window.partition] ?? 0).filter(isNew);
      return this.#group(window.key, missed);
    });
    subscriber.send(updateText(subscriber.label, data, this.#token()));
    this.#attach(subscriber, interest);
  }

  unsubscribe(subscriber: Subscriber, interest: Interest): void {
    subscriber.interest = without(subscriber.interest, interest);
    this.#showSubscriptions();
  }

  remove(subscriber: Subscriber): void {
    this.#subscribers.delete(subscriber);
    this.#showSubscriptions();
  }

  close(): void {
    clearTimeout(this.#timer);
    this.#subscribers.clear();
  }

  #take(partition: number, entry: E): Taken {
    const { key } = entry;
    let window = this.#windows.get(key);
    if (window === undefined) {
      window = new SeriesWindow(key, this.#channel, partition, this.#quietSince[partition] ?? 0);
      this.#windows.set(key, window);
      this.#metrics.series(this.#windows.size);
    }
    const taken = window.take(entry);
    if (taken !== 'new') return taken;
    const pending = this.#pending.get(key);
    if (pending === undefined) this.#pending.set(key, [entry.json]);
    else pending.push(entry.json);
    this.#pendingRecords += 1;
    return taken;
  }

  /** Each series' records become text once, and a message bytes once for all who get the same; the token is the same for all. */
  #flush(): void {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    if (this.#pendingRecords === 0) return;
    const keys = [...this.#pending.keys()];
    const texts = [...this.#pending].map(([key, records]) => this.#channel.groupText(key, records));
    this.#pending.clear();
    this.#pendingRecords = 0;
    this.#framedAt = performance.now();
    const token = this.#token();
    const frames = new Map<string, Buffer>();
    for (const subscriber of this.#subscribers) {
      const { interest, label } = subscriber;
      let wanted = label;
      keys.forEach((key, index) => {
        if (interest.has(key)) wanted += `|${index}`;
      });
      if (wanted === label) continue;
      let frame = frames.get(wanted);
      if (frame === undefined) {
        const data = texts.filter((_text, index) => interest.has(keys[index] ?? ''));
        frame = Buffer.from(updateText(label, data, token));
        frames.set(wanted, frame);
      }
      subscriber.send(frame);
    }
  }

  #attach(subscriber: Subscriber, interest: Interest): void {
    subscriber.interest = joined(subscriber.interest, interest);
    this.#subscribers.add(subscriber);
    this.#showSubscriptions();
  }

  #snapshot({ label }: Subscriber, interest: Interest, reset: boolean): string {
    const { snapshotOfSeries, snapshotMax } = this.#channel;
    const newest = this.#windowsOf(interest).flatMap((window) => window.newest(snapshotOfSeries));
    // Places in the log do not compare across partitions, positions do where a channel's are times.
    const kept =
      newest.length <= snapshotMax
        ? newest
        : newest.toSorted((a, b) => a.position - b.position).slice(-snapshotMax);
    const bySeries = Map.groupBy(kept, ({ key }) => key);
    const data = [...bySeries].flatMap(([key, entries]) => this.#group(key, entries));
    return snapshotText(label, data, reset, this.#token());
  }

  #group(key: string, entries: readonly E[]): string[] {
    if (entries.length === 0) return [];
    return [
      this.#channel.groupText(
        key,
        entries.map(({ json }) => json),
      ),
    ];
  }

  #windowsOf(interest: Interest): SeriesWindow<E>[] {
    if (!(interest instanceof Set)) {
      return [...this.#windows.values()].filter(({ key }) => interest.has(key));
    }
    return [...interest].flatMap((key) => this.#windows.peek(key) ?? []);
  }

  #token(): string {
    return encodeToken({ incarnation: this.#incarnation, offsets: this.#offsets });
  }

  #showSubscriptions(): void {
    let subscriptions = 0;
    for (const { interest } of this.#subscribers) subscriptions += sizeOf(interest);
    this.#metrics.subscriptions(subscriptions);
  }
}

function hubMetrics(metrics: Metrics, channel: string) {
  const labels = ['channel'] as const;
  const tailing = metrics.gauge(
    'ticklake_stream_tailing',
    'Whether live records are being read from the log',
    labels,
  );
  const series = metrics.gauge('ticklake_stream_series', 'Series whose newest records are held', labels);
  const subscriptions = metrics.gauge(
    'ticklake_stream_subscriptions',
    'Series asked for, over all clients',
    labels,
  );
  const records = metrics.counter(
    'ticklake_stream_records_total',
    'Records read from the log, by what became of them',
    ['channel', 'taken'],
  );
  return {
    tailing: (value: number) => tailing.set({ channel }, value),
    series: (count: number) => series.set({ channel }, count),
    subscriptions: (count: number) => subscriptions.set({ channel }, count),
    records: (counts: Readonly<Record<Taken, number>>) => {
      for (const [taken, count] of Object.entries(counts))
        if (count > 0) records.inc({ channel, taken }, count);
    },
  };
}
