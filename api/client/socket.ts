import type { ClientMessage, ServerMessage } from '../schemas/stream.ts';

export type ConnectionState = 'connecting' | 'live' | 'waiting';

export interface SocketOptions {
  /** `ws://host:port/v1/stream` */
  url: string;
  /** After each time that a connection stands: subscribe again. */
  onOpen: () => void;
  onMessage: (message: ServerMessage) => void;
  onState?: (state: ConnectionState) => void;
  /** The code that the other side closed with; the socket may be closed for good in it. */
  onClosed?: (code: number) => void;
}

export interface Socket {
  /** Whether messages can be sent at present. */
  readonly isOpen: boolean;
  send(message: ClientMessage): void;
  /** Gives the connection up for another, after a pause that grows. */
  reopen(): void;
  close(): void;
}

const retryMsMin = 250;
const retryMsMax = 10_000;
const quietMs = 20_000;
/** Answers that only a service that serves gives. */
const goesOn = new Set<ServerMessage['op']>(['snapshot', 'update', 'resumed']);

/** A connection to the stream that opens again by itself, and notices when the other side is gone. */
export function openSocket(options: SocketOptions): Socket {
  let socket: WebSocket | undefined;
  let retryMs = retryMsMin;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let closed = false;
  connect();

  return {
    get isOpen() {
      return socket?.readyState === WebSocket.OPEN;
    },
    send: (message) => socket?.send(JSON.stringify(message)),
    reopen: () => socket?.close(),
    close() {
      closed = true;
      clearTimeout(timer);
      socket?.close();
    },
  };

  function connect(): void {
    options.onState?.('connecting');
    const opened = new WebSocket(options.url);
    socket = opened;
    watch(opened);
    opened.addEventListener('open', () => {
      options.onState?.('live');
      options.onOpen();
    });
    opened.addEventListener('message', (event) => {
      watch(opened);
      if (typeof event.data !== 'string') return;
      const message = JSON.parse(event.data) as ServerMessage;
      if (goesOn.has(message.op)) retryMs = retryMsMin;
      options.onMessage(message);
    });
    opened.addEventListener('close', ({ code }) => {
      if (socket !== opened) return;
      options.onClosed?.(code);
      reconnect();
    });
  }

  function reconnect(): void {
    clearTimeout(timer);
    if (closed) return;
    options.onState?.('waiting');
    // Spread out, so that many clients do not come back at the same moment.
    timer = setTimeout(connect, retryMs * (0.5 + Math.random() / 2));
    retryMs = Math.min(retryMs * 2, retryMsMax);
  }

  /** A socket that says nothing for long is asked, then given up. */
  function watch(of: WebSocket): void {
    clearTimeout(timer);
    timer = setTimeout(() => {
      if (of.readyState === WebSocket.OPEN) of.send('{"op":"ping"}');
      timer = setTimeout(() => {
        if (socket !== of) return;
        socket = undefined;
        of.close();
        reconnect();
      }, quietMs);
    }, quietMs);
  }
}
