import { useSyncExternalStore } from 'react';

/** State outside React: what changes it comes in bursts, and the page is drawn once a frame. */
export abstract class Observed {
  readonly #listeners = new Set<() => void>();
  #frame = 0;

  subscribe = (listener: () => void): (() => void) => {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  };

  protected changed(): void {
    if (this.#frame !== 0) return;
    this.#frame = requestAnimationFrame(() => {
      this.#frame = 0;
      for (const listener of this.#listeners) listener();
    });
  }
}

/** A value that is drawn again when it changes; `read` gives the same one until it does. */
export function useLive<T>(of: Observed, read: () => T): T {
  return useSyncExternalStore(of.subscribe, read);
}
