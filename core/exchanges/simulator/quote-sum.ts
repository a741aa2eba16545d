/** Doubles hold whole numbers up to 2^53. */
const limb = 2 ** 52;

/** A sum of quote volumes, each a whole number below 2^52, exact beyond what a double holds and cheaper than bigint. */
export class QuoteSum {
  #low = 0;
  #limbs = 0;

  add(quote: number): void {
    this.#low += quote;
    if (this.#low < limb) return;
    this.#low -= limb;
    this.#limbs++;
  }

  get value(): bigint {
    return BigInt(this.#low) + BigInt(this.#limbs) * BigInt(limb);
  }
}
