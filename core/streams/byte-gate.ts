/**
 * Bounds the bytes in flight: `enter` waits, first come first served, while the bytes inside plus the caller's
 * would pass the bound. A call larger than the bound goes alone.
 */
export class ByteGate {
  readonly #maxBytes: number;
  readonly #onChange: (bytes: number) => void;
  readonly #waiting: { bytes: number; enter: () => void }[] = [];
  #bytes = 0;

  constructor(maxBytes: number, onChange: (bytes: number) => void) {
    this.#maxBytes = maxBytes;
    this.#onChange = onChange;
  }

  async enter(bytes: number): Promise<void> {
    if (this.#waiting.length === 0 && this.#fits(bytes)) return this.#admit(bytes);
    await new Promise<void>((resolve) => {
      this.#waiting.push({ bytes, enter: resolve });
    });
  }

  leave(bytes: number): void {
    this.#admit(-bytes);
    for (let next = this.#waiting[0]; next !== undefined && this.#fits(next.bytes); next = this.#waiting[0]) {
      this.#waiting.shift();
      this.#admit(next.bytes);
      next.enter();
    }
  }

  #fits(bytes: number): boolean {
    return this.#bytes === 0 || this.#bytes + bytes <= this.#maxBytes;
  }

  #admit(bytes: number): void {
    this.#bytes += bytes;
    this.#onChange(this.#bytes);
  }
}
