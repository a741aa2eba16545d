import type { Counter, Gauge } from 'prom-client';
import { messageOf } from '#core/platform/errors.ts';
import type { Logger } from '#core/platform/logging.ts';
import type { Client } from './client.ts';
import type { VirtualClock } from './clock.ts';
import type { Faults } from './faults.ts';
import type { Feed } from './feed.ts';

export interface PlayerOptions {
  /** Virtual seconds to a real one; `max` goes as fast as the listeners read. */
  speed: number | 'max';
  clock: VirtualClock;
  feed: Feed;
  faults: Faults;
  logger: Logger;
  trades: Counter;
  shed: Counter;
  /** Bytes the slowest listener has not read. */
  pending: Gauge;
}

const tickMs = 10;
/** Longest time a tick holds the event loop, so that REST is served beside it. */
const busyMs = 10;
/** Markets are interleaved in steps of so much virtual time: their trades are out of order among them by no more. */
const stepUs = 1_000_000;
/** At a given speed, who leaves so much unread is disconnected. */
const maxPendingBytes = 16 * 1024 * 1024;
/** At `max`, time waits while someone has so much unread. */
const drainBytes = 512 * 1024;
const drainPollMs = 2;
/** Time that cannot be kept up with is given up, not hurried after. */
const maxLagMs = 1_000;
const retryMs = 1_000;
/** Virtual time that a kill may skip on the streams; REST has it. */
const maxAheadUs = 30_000_000;

/** Moves virtual time on and has the feed send what happened in it. */
export class Player {
  readonly #options: PlayerOptions;
  readonly #aheadUs: number;
  #timer: NodeJS.Timeout | undefined;
  #immediate: NodeJS.Immediate | undefined;
  #anchorMs = performance.now();
  #anchorUs: number;
  #isStopped = false;
  #isStuck = false;

  constructor(options: PlayerOptions) {
    this.#options = options;
    const { speed, clock } = options;
    this.#aheadUs = speed === 'max' ? maxAheadUs : Math.min(maxAheadUs, 200_000 * speed);
    this.#anchorUs = clock.nowUs;
    this.#schedule(tickMs);
  }

  stop(): void {
    this.#isStopped = true;
    clearTimeout(this.#timer);
    clearImmediate(this.#immediate);
  }

  #schedule(delayMs: number): void {
    if (this.#isStopped) return;
    if (delayMs === 0) this.#immediate = setImmediate(() => this.#tick());
    else this.#timer = setTimeout(() => this.#tick(), delayMs);
  }

  #tick(): void {
    const { feed, logger } = this.#options;
    let delayMs = retryMs;
    try {
      this.#disconnectByFault();
      delayMs = this.#advance();
      feed.refresh(performance.now());
      this.#isStuck = false;
    } catch (error) {
      // The disk may be full: time stands, and nothing is served that a later run could not continue.
      if (!this.#isStuck) logger.error({ error }, `the simulator's time stands: ${messageOf(error)}`);
      this.#isStuck = true;
    }
    this.#flush();
    this.#schedule(delayMs);
  }

  /** Plays what is due; gives the delay until the next tick. */
  #advance(): number {
    const { clock, feed, trades } = this.#options;
    const startedMs = performance.now();
    const targetUs = this.#targetUs(startedMs);
    const before = feed.trades;
    let nowUs = clock.nowUs;
    while (nowUs < targetUs && performance.now() - startedMs < busyMs && !this.#mustWait()) {
      nowUs = Math.min(targetUs, (Math.floor(nowUs / stepUs) + 1) * stepUs);
      clock.advance(nowUs, this.#aheadUs);
      feed.play(clock.nowMs);
    }
    trades.inc(feed.trades - before);
    this.#keepPace(startedMs);
    if (this.#mustWait()) return drainPollMs;
    return nowUs < targetUs ? 0 : tickMs;
  }

  #targetUs(realMs: number): number {
    const { speed, feed } = this.#options;
    if (speed === 'max' && feed.hasTradeListeners) return Infinity;
    const pace = speed === 'max' ? 1 : speed;
    return Math.floor(this.#anchorUs + (realMs - this.#anchorMs) * 1000 * pace);
  }

  /** Anchors time anew where it ran by other rules than the pace, or fell behind it. */
  #keepPace(realMs: number): void {
    const { speed, clock, feed } = this.#options;
    const pace = speed === 'max' ? 1 : speed;
    const lagMs = (this.#anchorUs - clock.nowUs) / 1000 / pace + realMs - this.#anchorMs;
    if (lagMs <= maxLagMs && !(speed === 'max' && feed.hasTradeListeners)) return;
    this.#anchorMs = realMs;
    this.#anchorUs = clock.nowUs;
  }

  /** At full speed, time waits for the slowest listener. */
  #mustWait(): boolean {
    const { speed, feed } = this.#options;
    if (speed !== 'max') return false;
    for (const { writer } of feed.hub.clients) if (writer.pendingBytes > drainBytes) return true;
    return false;
  }

  #flush(): void {
    const { feed, speed, shed, pending, logger } = this.#options;
    let most = 0;
    for (const client of feed.hub.clients) {
      client.writer.flush();
      most = Math.max(most, client.writer.pendingBytes);
      if (speed === 'max' || client.writer.pendingBytes <= maxPendingBytes) continue;
      shed.inc();
      logger.warn({ pendingBytes: client.writer.pendingBytes }, 'a slow consumer is disconnected');
      this.#end(client);
    }
    pending.set(most);
  }

  #disconnectByFault(): void {
    const { feed, faults } = this.#options;
    if (faults.isIdle || feed.hub.clients.size === 0) return;
    const fault = faults.strike('disconnect');
    if (fault === undefined) return;
    const stream = `${fault.symbol?.toLowerCase() ?? ''}@`;
    for (const client of feed.hub.clients) {
      const listens = [...client.streams].some((name) => name.startsWith(stream));
      if (fault.symbol === undefined || listens) this.#end(client);
    }
  }

  #end(client: Client): void {
    this.#options.feed.hub.remove(client);
    client.socket.terminate();
  }
}
