import { useEffect, useState } from 'react';
import { api } from '../api.ts';
import { reasonOf } from '../reason.ts';
import { pacedMs } from './pace.ts';

export interface Polled<T> {
  value: T | undefined;
  /** Why the last attempt failed; the value before it stays. */
  error: string | undefined;
}

export interface Polling {
  everyMs: number;
  /** What one round asks the service for; default 1. */
  requests?: number;
  /** Whose reading it is: somebody else's begins at once, with their own allowance. */
  userId: string | undefined;
}

/**
 * What `load` gives, again and again while the page is in sight: as often as asked for, less often where the service
 * allows few requests. `load` must stay the same function.
 */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, polling: Polling): Polled<T> {
  const { everyMs, requests = 1, userId } = polling;
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, error: undefined });
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const poll = async (): Promise<void> => {
      let pauseMs = everyMs;
      try {
        const value = document.hidden ? undefined : await load(leaving.signal);
        if (leaving.signal.aborted) return;
        if (value !== undefined) {
          setPolled({ value, error: undefined });
          pauseMs = pacedMs(everyMs, requests, api.allowance(), Date.now());
        }
      } catch (error) {
        if (leaving.signal.aborted) return;
        setPolled((before) => ({ ...before, error: reasonOf(error).detail }));
        pauseMs = pacedMs(everyMs, requests, api.allowance(), Date.now());
      }
      timer = setTimeout(() => void poll(), pauseMs);
    };
    void poll();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [load, everyMs, requests, userId]);
  return polled;
}
