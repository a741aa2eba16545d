import { WebSocket, type RawData } from 'ws';

export interface ConnectionOptions {
  /** The combined-stream endpoint, `wss://…/stream`. */
  url: string;
  streams: readonly string[];
  /** Longest time from opening to the last subscription's answer. */
  connectTimeoutMs: number;
  /** A connection from which nothing came for so long, pongs included, is dead. */
  silenceMs: number;
  /** A frame; what it means is for the caller, who tells the connection of answers by {@link Connection.answered}. */
  onMessage: (data: RawData, isBinary: boolean) => void;
  /** All streams are subscribed. */
  onLive: () => void;
  /** Called once, whatever ended it. */
  onEnd: (reason: string) => void;
}

/** The venue allows 5 messages a second from us, pings and pongs included. */
const messageEveryMs = 250;
const streamsPerMessage = 200;
const maxFrameBytes = 16 * 1024 * 1024;

/** One socket to the combined streams: opens, subscribes in batches, watches for silence, ends once. */
export class Connection {
  readonly id: number;
  readonly #options: ConnectionOptions;
  readonly #socket: WebSocket;
  readonly #batches: string[][];
  #connectTimer: NodeJS.Timeout | undefined;
  #subscribeTimer: NodeJS.Timeout | undefined;
  #watchdog: NodeJS.Timeout | undefined;
  #unanswered: number;
  #lastHeardMs = 0;
  #pinged = false;
  #paused: boolean;
  #endReason: string | undefined;
  #ended = false;

  constructor(id: number, options: ConnectionOptions, paused: boolean) {
    this.id = id;
    this.#options = options;
    this.#paused = paused;
    this.#batches = batchesOf(options.streams, streamsPerMessage);
    this.#unanswered = this.#batches.length;
    if (!paused) this.#expectLive();
    this.#socket = new WebSocket(options.url, {
      handshakeTimeout: options.connectTimeoutMs,
      maxPayload: maxFrameBytes,
      perMessageDeflate: false,
    });
    this.#socket.on('open', () => this.#opened());
    this.#socket.on('message', (data, isBinary) => {
      this.#heard();
      options.onMessage(data, isBinary);
    });
    this.#socket.on('ping', () => this.#heard());
    this.#socket.on('pong', () => this.#heard());
    this.#socket.on('error', (error) => (this.#endReason ??= error.message));
    this.#socket.on('close', (code, reason) => this.#end(closeText(code, reason.toString())));
  }

  /** The venue's answer to one of our subscriptions. */
  answered(error: string | undefined): void {
    if (error !== undefined) {
      this.#fail(`subscription refused: ${error}`);
      return;
    }
    this.#unanswered--;
    if (this.#unanswered !== 0) return;
    clearTimeout(this.#connectTimer);
    this.#options.onLive();
  }

  /** Stops reading; what was already read from the socket may still come. */
  pause(): void {
    this.#paused = true;
    clearTimeout(this.#connectTimer);
    this.#socket.pause();
  }

  resume(): void {
    this.#paused = false;
    if (this.#unanswered > 0) this.#expectLive();
    this.#heard();
    this.#socket.resume();
  }

  /** Ends the connection; `onEnd` gets the reason. */
  close(reason: string): void {
    this.#endReason ??= reason;
    if (this.#socket.readyState === WebSocket.OPEN && !this.#paused) {
      this.#socket.close(1000);
      // A peer that does not answer the close frame must not keep us.
      setTimeout(() => this.#socket.terminate(), 1_000).unref();
    } else {
      this.#socket.terminate();
    }
  }

  /** Not while paused: the answers lie unread in the socket. */
  #expectLive(): void {
    const { connectTimeoutMs } = this.#options;
    clearTimeout(this.#connectTimer);
    this.#connectTimer = setTimeout(() => {
      this.#fail(`not connected and subscribed within ${connectTimeoutMs} ms`);
    }, connectTimeoutMs);
  }

  #opened(): void {
    if (this.#paused) this.#socket.pause();
    this.#heard();
    this.#watchdog = setInterval(() => this.#watch(), this.#options.silenceMs / 4);
    this.#subscribe(0);
  }

  #subscribe(index: number): void {
    const params = this.#batches[index];
    if (params === undefined) return;
    this.#socket.send(JSON.stringify({ method: 'SUBSCRIBE', params, id: index + 1 }));
    this.#subscribeTimer = setTimeout(() => this.#subscribe(index + 1), messageEveryMs);
  }

  #heard(): void {
    this.#lastHeardMs = performance.now();
    this.#pinged = false;
  }

  #watch(): void {
    if (this.#paused) return;
    const silentMs = performance.now() - this.#lastHeardMs;
    if (silentMs >= this.#options.silenceMs) {
      this.#fail(`silent for ${Math.round(silentMs)} ms`);
    } else if (silentMs >= this.#options.silenceMs / 2 && !this.#pinged) {
      this.#pinged = true;
      this.#socket.ping();
    }
  }

  #fail(reason: string): void {
    this.#endReason ??= reason;
    this.#socket.terminate();
  }

  #end(reason: string): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#connectTimer);
    clearTimeout(this.#subscribeTimer);
    clearInterval(this.#watchdog);
    this.#options.onEnd(this.#endReason ?? reason);
  }
}

function closeText(code: number, reason: string): string {
  return reason === '' ? `closed with code ${code}` : `closed with code ${code}: ${reason}`;
}

function batchesOf<T>(items: readonly T[], size: number): T[][] {
  const batches: T[][] = [];
  for (let i = 0; i < items.length; i += size) batches.push(items.slice(i, i + size));
  return batches;
}
