import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { EventLog } from '#core/streams/event-log.ts';
import { symbolsPerClientMax } from '../schemas/stream.ts';
import { catchUp } from './catch-up.ts';
import type { Frame } from './frames.ts';
import type { Subscriber } from './hub.ts';
import { joined, sizeOf, type Interest } from './interest.ts';
import type { LiveChannel } from './live-channels.ts';
import { decodeToken, type LogPlace } from './resume-token.ts';
import type { StreamMetrics } from './stream-metrics.ts';

/** The client's side of a subscription. */
export interface Client {
  /** Hands over one message; never waits. */
  send(frame: Frame): void;
  /** Hands over one message and waits while the client is behind. */
  sendPaced(frame: Frame): Promise<void>;
  /** Aborts when the client is gone. */
  signal: AbortSignal;
}

export interface FollowerOptions {
  live: LiveChannel;
  /** How each message begins. */
  label: string;
  log: Pick<EventLog, 'describe' | 'read'>;
  client: Client;
  logger: Logger;
  metrics: StreamMetrics;
}

const catchUpMs = 60_000;

/** One client's subscription to one channel, which has a token of its own. */
export class Follower {
  readonly #options: FollowerOptions;
  readonly #subscriber: Subscriber;

  constructor(options: FollowerOptions) {
    this.#options = options;
    const { label, client } = options;
    this.#subscriber = { interest: new Set(), label, send: (frame) => client.send(frame) };
  }

  /**
   * Follows more series. With a token what was missed is sent, where it can be had, and true is returned; else the newest
   * records. @throws BAD_REQUEST for too many series, and for a token beside series that are followed already.
   */
  async subscribe(interest: Interest, resumeToken: string | undefined): Promise<boolean> {
    const { hub } = this.#options.live;
    const subscriber = this.#subscriber;
    if (sizeOf(joined(subscriber.interest, interest)) > symbolsPerClientMax) {
      throw new TicklakeError(
        'BAD_REQUEST',
        `a client follows at most ${symbolsPerClientMax} markets in a channel`,
        { remedy: 'Unsubscribe from some, or open another connection.' },
      );
    }
    if (resumeToken === undefined) {
      hub.subscribe(subscriber, interest, false);
      return false;
    }
    if (sizeOf(subscriber.interest) > 0) {
      throw new TicklakeError('BAD_REQUEST', 'a token is for the first subscription of a connection', {
        remedy: 'Reconnect and subscribe to all markets in one message.',
      });
    }
    const { client, metrics } = this.#options;
    const place = decodeToken(resumeToken);
    const isResumed = place !== undefined && (await this.#resume(interest, place));
    if (client.signal.aborted) return false;
    metrics.resumes.inc({ result: isResumed ? 'resumed' : 'reset' });
    if (!isResumed) hub.subscribe(subscriber, interest, true);
    return isResumed;
  }

  unsubscribe(interest: Interest): void {
    this.#options.live.hub.unsubscribe(this.#subscriber, interest);
  }

  close(): void {
    this.#options.live.hub.remove(this.#subscriber);
  }

  async #resume(interest: Interest, place: LogPlace): Promise<boolean> {
    const { live, label, log, client, logger } = this.#options;
    const { channel, hub } = live;
    if (hub.canServe(interest, place)) {
      hub.resume(this.#subscriber, interest, place, () => true);
      return true;
    }
    const signal = AbortSignal.any([client.signal, AbortSignal.timeout(catchUpMs)]);
    const send = (text: string): Promise<void> => client.sendPaced(text);
    try {
      const caughtUp = await catchUp({ log, channel, hub, interest, label, from: place, send, signal });
      if (caughtUp === undefined || client.signal.aborted) return false;
      hub.resume(this.#subscriber, interest, caughtUp.place, caughtUp.isNew);
      return true;
    } catch (error) {
      logger.debug({ reason: messageOf(error) }, 'a client could not catch up');
      return false;
    }
  }
}
