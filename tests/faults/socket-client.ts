import { setTimeout as sleep } from 'node:timers/promises';
import { Compile } from 'typebox/compile';
import { WebSocket } from 'ws';
import { ServerMessage } from '#api/schemas/stream.ts';

/** A portfolio that somebody follows, and the session they do it with. */
export interface Followed {
  portfolioId: string;
  token: string;
}

/** What a client has been told when all is over. */
export interface Told {
  portfolioId: string;
  /** The event from which `numbers` go on. */
  from: number;
  /** Events of orders, as they came. */
  numbers: number[];
  /** By asset, `available` and `held` as they were told last. */
  balances: Record<string, [string, string]>;
  /** The newest event that is in them. */
  balancesNumber: number;
  problems: string[];
}

export interface SocketClientOptions {
  urls: readonly string[];
  followed: Followed;
  random: () => number;
  /** Milliseconds that a connection lives at the mean; it ends at whatever moment, also before it is open. */
  lifeMs: number;
  /** Told of each connection that opens, after the first. */
  onReconnect: () => void;
}

const retryMs = 250;
const problemsMax = 5;
/** Of connections, the share that ends before anything was answered. */
const hastyShare = 0.15;
const hastyMs = 20;
/** Of pauses, the share that is long enough for events to gather. */
const longShare = 0.1;
const messages = Compile(ServerMessage);

/** Follows the orders and the balances of one portfolio over connections that end at random, and goes on with the last tokens. */
export class SocketClient {
  readonly told: Told;
  readonly #options: SocketClientOptions;
  readonly #tokens = new Map<string, string>();
  #opened = 0;
  #sequence = 0;
  #isSteady = false;

  constructor(options: SocketClientOptions) {
    this.#options = options;
    const { portfolioId } = options.followed;
    this.told = {
      ...{ portfolioId, from: -1, numbers: [], balances: {}, balancesNumber: 0, problems: [] },
    };
    void this.#run();
  }

  /** From now on the connection stays. */
  steady(): void {
    this.#isSteady = true;
  }

  async #run(): Promise<void> {
    const { random, lifeMs } = this.#options;
    // They do not all come at once.
    await sleep(lifeMs * random());
    for (;;) {
      await this.#connection();
      const pauseMs = random() < longShare ? lifeMs * random() : 50 * random();
      await sleep(this.#isSteady ? retryMs : pauseMs);
    }
  }

  /** One connection, until it has ended. */
  async #connection(): Promise<void> {
    const { urls, followed, random, lifeMs } = this.#options;
    const url = urls[Math.floor(random() * urls.length)] ?? '';
    const headers = { authorization: `Bearer ${followed.token}` };
    const socket = new WebSocket(url, { headers, perMessageDeflate: false });
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    // A refused connection is one that ends, too.
    socket.on('error', () => undefined);
    socket.on('close', () => resolve());
    socket.on('open', () => {
      if (this.#opened > 0) this.#options.onReconnect();
      this.#opened += 1;
      if (!isHasty) endAfter(2 * lifeMs * random());
      for (const channel of ['orders', 'balances']) this.#subscribe(socket, channel);
    });
    socket.on('message', (data: Buffer) => this.#hear(socket, data.toString()));
    let end: NodeJS.Timeout | undefined;
    const endAfter = (ms: number): void => {
      end = setTimeout(() => {
        if (!this.#isSteady) socket.terminate();
      }, ms);
    };
    const isHasty = random() < hastyShare;
    if (isHasty) endAfter(hastyMs * random());
    await ended;
    clearTimeout(end);
  }

  #subscribe(socket: WebSocket, channel: string): void {
    const { portfolioId } = this.#options.followed;
    const resumeToken = this.#tokens.get(channel);
    socket.send(JSON.stringify({ op: 'subscribe', channel, portfolioId, resumeToken }));
  }

  #hear(socket: WebSocket, text: string): void {
    const message: unknown = JSON.parse(text);
    if (!messages.Check(message)) return this.#complain(`a message that stands nowhere: ${text}`);
    if (message.op === 'error') {
      // An outage is waited out; anything else should not be said.
      if (!message.problem.retryable) this.#complain(text);
      socket.terminate();
      return;
    }
    if (message.op !== 'snapshot' && message.op !== 'update') return;
    if (message.channel === 'orders') this.#hearOrders(message);
    else if (message.channel === 'balances') this.#hearBalances(message);
  }

  #hearOrders(message: Extract<ServerMessage, { channel: 'orders'; data: unknown }>): void {
    const { told } = this;
    if (message.op === 'snapshot') {
      if (message.reset || told.from >= 0) this.#complain(`orders begin anew at ${message.sequence}`);
      told.from = message.sequence;
      this.#sequence = message.sequence;
    } else {
      for (const { number } of message.data) {
        if (number <= this.#sequence) this.#complain(`order event ${number} after ${this.#sequence}`);
        this.#sequence = Math.max(this.#sequence, number);
        told.numbers.push(number);
      }
    }
    this.#tokens.set('orders', message.resumeToken);
  }

  #hearBalances(message: Extract<ServerMessage, { channel: 'balances'; data: unknown }>): void {
    const { told } = this;
    const isBegin = message.op === 'snapshot';
    if (isBegin && (message.reset || this.#tokens.has('balances')))
      this.#complain(`balances begin anew at ${message.sequence}`);
    if (!isBegin && message.sequence <= told.balancesNumber)
      this.#complain(`balances of ${message.sequence} after ${told.balancesNumber}`);
    for (const { asset, available, held } of message.data) told.balances[asset] = [available, held];
    told.balancesNumber = message.sequence;
    this.#tokens.set('balances', message.resumeToken);
  }

  #complain(problem: string): void {
    if (this.told.problems.length < problemsMax) this.told.problems.push(problem);
  }
}
