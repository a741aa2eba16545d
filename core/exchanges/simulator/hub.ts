import type { Client } from './client.ts';
import { topicOf, type StreamTopic } from './streams.ts';

/** A stream that someone listens to. */
export interface Channel<State> {
  name: string;
  topic: StreamTopic;
  clients: Set<Client>;
  /** Where the feed stands in this stream. */
  state: State;
}

const streamsPerClient = 1_024;

/**
 * Who listens to what. A channel exists while it has a listener; `open` makes its state as of the moment the first one
 * subscribes. Names that mean nothing here are accepted and stay silent, as at the exchange.
 */
export class Hub<State> {
  readonly clients = new Set<Client>();
  readonly channels = new Map<string, Channel<State>>();
  readonly #open: (topic: StreamTopic) => State | undefined;

  constructor(open: (topic: StreamTopic) => State | undefined) {
    this.#open = open;
  }

  /** False where the client would have more streams than the exchange allows; nothing is subscribed then. */
  subscribe(client: Client, names: readonly string[]): boolean {
    if (new Set([...client.streams, ...names]).size > streamsPerClient) return false;
    for (const name of names) {
      client.streams.add(name);
      this.#channel(name)?.clients.add(client);
    }
    return true;
  }

  unsubscribe(client: Client, names: readonly string[]): void {
    for (const name of names) {
      client.streams.delete(name);
      const channel = this.channels.get(name);
      channel?.clients.delete(client);
      if (channel?.clients.size === 0) this.channels.delete(name);
    }
  }

  remove(client: Client): void {
    this.unsubscribe(client, [...client.streams]);
    this.clients.delete(client);
  }

  #channel(name: string): Channel<State> | undefined {
    const held = this.channels.get(name);
    if (held !== undefined) return held;
    const topic = topicOf(name);
    const state = topic === undefined ? undefined : this.#open(topic);
    if (topic === undefined || state === undefined) return undefined;
    const channel: Channel<State> = { name, topic, clients: new Set(), state };
    this.channels.set(name, channel);
    return channel;
  }
}
