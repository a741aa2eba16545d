import type { Duplex } from 'node:stream';

const chunkBytes = 64 * 1024;
const maxHeader = 10;

/**
 * Writes WebSocket text frames (RFC 6455, section 5.2; from a server, unmasked) in few large writes: a send per message
 * would cost a system call for each.
 */
export class FrameWriter {
  readonly #socket: Duplex;
  #chunk: Buffer = Buffer.allocUnsafe(chunkBytes);
  #length = 0;

  constructor(socket: Duplex) {
    this.#socket = socket;
  }

  /** Bytes taken and not yet given to the operating system. */
  get pendingBytes(): number {
    return this.#socket.writableLength + this.#length;
  }

  add(text: string): void {
    const length = Buffer.byteLength(text);
    if (this.#length + length + maxHeader > this.#chunk.length) this.#renew(length + maxHeader);
    let at = this.#length;
    this.#chunk[at++] = 0x81;
    if (length < 126) {
      this.#chunk[at++] = length;
    } else if (length < 65_536) {
      this.#chunk[at++] = 126;
      at = this.#chunk.writeUInt16BE(length, at);
    } else {
      this.#chunk[at++] = 127;
      at = this.#chunk.writeBigUInt64BE(BigInt(length), at);
    }
    this.#length = at + this.#chunk.write(text, at);
  }

  flush(): void {
    if (this.#length === 0) return;
    const full = this.#chunk.subarray(0, this.#length);
    this.#chunk = this.#chunk.subarray(this.#length);
    this.#length = 0;
    if (!this.#socket.writableEnded && !this.#socket.destroyed) this.#socket.write(full);
  }

  #renew(needed: number): void {
    this.flush();
    if (this.#chunk.length < needed) this.#chunk = Buffer.allocUnsafe(Math.max(chunkBytes, needed));
  }
}
