import { useEffect, useState } from 'react';

export interface Polled<T> {
  value: T | undefined;
  /** Why the last attempt failed; the value before it stays. */
  error: string | undefined;
}

/** What `load` gives, again every `everyMs` while the page is in sight. `load` must stay the same function. */
export function usePolled<T>(load: (signal: AbortSignal) => Promise<T>, everyMs: number): Polled<T> {
  const [polled, setPolled] = useState<Polled<T>>({ value: undefined, error: undefined });
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const poll = async (): Promise<void> => {
      try {
        const value = document.hidden ? undefined : await load(leaving.signal);
        if (leaving.signal.aborted) return;
        if (value !== undefined) setPolled({ value, error: undefined });
      } catch (error) {
        if (leaving.signal.aborted) return;
        setPolled((before) => ({ ...before, error: error instanceof Error ? error.message : String(error) }));
      }
      timer = setTimeout(() => void poll(), everyMs);
    };
    void poll();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [load, everyMs]);
  return polled;
}
