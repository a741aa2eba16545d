import type { ServerMessage } from '../schemas/stream.ts';
import { openSocket, type ConnectionState, type Socket } from './socket.ts';

export interface PrivateSocketOptions {
  /** `ws://host:port/v1/stream` */
  url: string;
  /** Of programs; a page's session is in its cookie. */
  token?: string | undefined;
  /** After each time that a connection stands: subscribe again. */
  onOpen: () => void;
  onMessage: (message: Exclude<ServerMessage, { op: 'error' }>) => void;
  onState?: ((state: ConnectionState) => void) | undefined;
  /** The session has ended, or what was asked for is not the user's: nothing follows. */
  onEnded: (why: StreamEnd) => void;
}

export interface StreamEnd {
  code: string;
  detail: string;
}

const sessionEnded = 4001;

/** A connection to what is a user's: it opens again by itself for as long as the session counts. */
export function openPrivateSocket(options: PrivateSocketOptions): Socket {
  const { url, token, onState } = options;
  const socket = openSocket({
    url,
    onOpen() {
      if (token !== undefined) socket.send({ op: 'authenticate', token });
      options.onOpen();
    },
    onMessage(message) {
      if (message.op !== 'error') return options.onMessage(message);
      // An outage, or too many requests: the same is asked again later.
      if (message.problem.retryable) return socket.reopen();
      end(message.problem);
    },
    ...(onState === undefined ? {} : { onState }),
    onClosed(code) {
      if (code === sessionEnded) end({ code: 'UNAUTHENTICATED', detail: 'the session has ended' });
    },
  });
  return socket;

  function end({ code, detail }: StreamEnd): void {
    socket.close();
    options.onEnded({ code, detail });
  }
}
