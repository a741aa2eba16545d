import { useEffect, useRef, useState } from 'react';
import { reasonOf, type Reason } from '../reason.ts';

export interface Read<T> {
  value: T | undefined;
  /** Why the last attempt failed; it is tried again by itself. */
  failed: Reason | undefined;
}

const retryMs = 3_000;
const nothing = { value: undefined, failed: undefined };

/**
 * What `load` gives for a subject, read again with each version of it; meanwhile the value before stays. Nothing is read
 * where there is no subject.
 */
export function useRead<T>(
  subject: string | undefined,
  version: number | string,
  load: (signal: AbortSignal) => Promise<T>,
): Read<T> {
  const [read, setRead] = useState<Read<T> & { subject: string }>();
  const loader = useRef(load);
  useEffect(() => {
    loader.current = load;
  });
  useEffect(() => {
    if (subject === undefined) return;
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout>;
    const attempt = async (): Promise<void> => {
      try {
        const value = await loader.current(leaving.signal);
        if (!leaving.signal.aborted) setRead({ subject, value, failed: undefined });
      } catch (error) {
        if (leaving.signal.aborted) return;
        setRead((before) => ({
          ...{ subject, value: before?.subject === subject ? before.value : undefined },
          failed: reasonOf(error),
        }));
        timer = setTimeout(() => void attempt(), retryMs);
      }
    };
    void attempt();
    return () => {
      leaving.abort();
      clearTimeout(timer);
    };
  }, [subject, version]);
  return read !== undefined && read.subject === subject ? read : nothing;
}
