import { unitsOf, unitsText, type Units } from './units.ts';

/** A customer of the simulator, as it is given at its start. */
export interface SimulatorAccount {
  apiKey: string;
  type: 'hmac' | 'ed25519';
  /** HMAC: the secret that is shared. Ed25519: the customer's public key in PEM. */
  verifyKey: string;
  /** What it has at the start, decimal text by asset. */
  balances: Readonly<Record<string, string>>;
}

interface Balance {
  free: Units;
  locked: Units;
}

/** What a customer has. An open order's part is locked; nothing is ever negative. */
export class Account {
  readonly given: SimulatorAccount;
  readonly #balances = new Map<string, Balance>();

  constructor(given: SimulatorAccount) {
    this.given = given;
    for (const [asset, text] of Object.entries(given.balances)) this.receive(asset, unitsOf(text) ?? 0n);
  }

  free(asset: string): Units {
    return this.#balances.get(asset)?.free ?? 0n;
  }

  /** False where there is not so much that is free; nothing is locked then. */
  lock(asset: string, units: Units): boolean {
    const balance = this.#of(asset);
    if (balance.free < units) return false;
    balance.free -= units;
    balance.locked += units;
    return true;
  }

  unlock(asset: string, units: Units): void {
    this.spend(asset, units);
    this.#of(asset).free += units;
  }

  /** Takes away what was locked. */
  spend(asset: string, units: Units): void {
    const balance = this.#of(asset);
    if (balance.locked < units) throw new RangeError(`more ${asset} is spent than was locked`);
    balance.locked -= units;
  }

  receive(asset: string, units: Units): void {
    this.#of(asset).free += units;
  }

  /** As `account` answers them, by asset. */
  texts(): { asset: string; free: string; locked: string }[] {
    return [...this.#balances]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([asset, { free, locked }]) => ({ asset, free: unitsText(free), locked: unitsText(locked) }));
  }

  #of(asset: string): Balance {
    const held = this.#balances.get(asset);
    if (held !== undefined) return held;
    const made = { free: 0n, locked: 0n };
    this.#balances.set(asset, made);
    return made;
  }
}
