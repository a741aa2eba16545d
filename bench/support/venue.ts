import { fork } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';

/** What {@link startVenue} says to its process. */
export type VenueRequest =
  | { type: 'prepare'; firstId: number; messages: number }
  | { type: 'send' }
  | { type: 'pace'; messagesPerSecond: number; forMs: number };

/** What the process says. */
export type VenueAnswer =
  | { type: 'listening'; port: number }
  | { type: 'subscribed' }
  | { type: 'prepared' }
  | { type: 'sent'; messages: number };

/** A venue that speaks Binance's protocol to one client, in a process of its own. */
export interface Venue {
  url: string;
  wsUrl: string;
  /** Resolves when a client has subscribed to every market. */
  subscribed: Promise<void>;
  /** Makes messages of ids from `firstId` on, the markets taking turns; gives what sends them at full rate. */
  prepare(firstId: number, messages: number): Promise<() => Promise<void>>;
  /**
   * Sends trades evenly, ids going on from the last time; each trade's time is when it was sent. Gives how many it
   * sent.
   */
  pace(messagesPerSecond: number, forMs: number): Promise<number>;
  close(): Promise<void>;
}

export async function startVenue(symbols: readonly string[]): Promise<Venue> {
  const child = fork(join(import.meta.dirname, 'venue-process.ts'), [...symbols], {
    execArgv: ['--disable-warning=ExperimentalWarning'],
  });
  const failed = once(child, 'exit').then(([code]): never => {
    throw new Error(`the venue's process ended with ${String(code)}`);
  });
  failed.catch(() => undefined);

  const answer = <Type extends VenueAnswer['type']>(type: Type): Promise<VenueAnswer & { type: Type }> => {
    const answered = new Promise<VenueAnswer & { type: Type }>((resolve) => {
      const hear = (message: unknown): void => {
        const heard = message as VenueAnswer;
        if (heard.type !== type) return;
        child.off('message', hear);
        resolve(heard as VenueAnswer & { type: Type });
      };
      child.on('message', hear);
    });
    return Promise.race([answered, failed]);
  };
  const ask = <Type extends VenueAnswer['type']>(request: VenueRequest, type: Type) => {
    const answered = answer(type);
    child.send(request);
    return answered;
  };

  const subscribed = answer('subscribed').then(() => undefined);
  subscribed.catch(() => undefined);
  const { port } = await answer('listening');
  return {
    url: `http://127.0.0.1:${port}`,
    wsUrl: `ws://127.0.0.1:${port}`,
    subscribed,
    async prepare(firstId, messages) {
      await ask({ type: 'prepare', firstId, messages }, 'prepared');
      return async () => {
        await ask({ type: 'send' }, 'sent');
      };
    },
    async pace(messagesPerSecond, forMs) {
      return (await ask({ type: 'pace', messagesPerSecond, forMs }, 'sent')).messages;
    },
    async close() {
      const ended = once(child, 'exit');
      child.disconnect();
      await ended;
    },
  };
}
