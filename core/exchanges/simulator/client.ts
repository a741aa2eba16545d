import type { Duplex } from 'node:stream';
import type { WebSocket } from 'ws';
import { FrameWriter } from './frames.ts';

/** One connected consumer. */
export class Client {
  readonly socket: WebSocket;
  readonly writer: FrameWriter;
  /** Whether messages come as `{"stream","data"}`: so on `/stream`, bare on `/ws`. */
  readonly isCombined: boolean;
  readonly streams = new Set<string>();
  /** Pings sent since the last pong. */
  unansweredPings = 0;

  constructor(socket: WebSocket, connection: Duplex, isCombined: boolean) {
    this.socket = socket;
    this.writer = new FrameWriter(connection);
    this.isCombined = isCombined;
    socket.on('pong', () => (this.unansweredPings = 0));
  }
}
