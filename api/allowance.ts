import { LRUCache } from 'lru-cache';

/** How much is left after something was asked for. */
export interface Taken {
  isOver: boolean;
  limit: number;
  remaining: number;
  /** Until all of it is there again. */
  resetSeconds: number;
}

/** What each of many may use within a window of time, which begins with their first request. */
export interface Allowance {
  /** Takes `weight`, where that much is left. */
  take(key: string, weight: number): Taken;
}

export interface AllowanceOptions {
  limit: number;
  windowMs: number;
  /** Most keys that are remembered: the one that was seen longest ago is forgotten for a new one. */
  keysMax: number;
  now?: () => number;
}

interface Window {
  used: number;
  endsAtMs: number;
}

export function createAllowance(options: AllowanceOptions): Allowance {
  const { limit, windowMs, keysMax, now = Date.now } = options;
  const windows = new LRUCache<string, Window>({ max: keysMax });

  return {
    take(key, weight) {
      const atMs = now();
      let window = windows.get(key);
      if (window === undefined || window.endsAtMs <= atMs) {
        window = { used: 0, endsAtMs: atMs + windowMs };
        windows.set(key, window);
      }
      const isOver = window.used + weight > limit;
      if (!isOver) window.used += weight;
      const resetSeconds = Math.ceil((window.endsAtMs - atMs) / 1_000);
      return { isOver, limit, remaining: limit - window.used, resetSeconds };
    },
  };
}
