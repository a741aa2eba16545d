import { useEffect, useState } from 'react';
import { openFeeds, signalFeed, type Signal } from '#api/client/index.ts';
import { api, streamUrl } from '../api.ts';

const shownMax = 30;
const retryMs = 5_000;

/** The newest signals of all markets, newest first: those said before, then each as it is said. */
export function useSignals(): { signals: readonly Signal[] | undefined; error: string | undefined } {
  const [signals, setSignals] = useState<readonly Signal[]>();
  const [error, setError] = useState<string>();
  useEffect(() => {
    const leaving = new AbortController();
    let timer: ReturnType<typeof setTimeout> | undefined;
    const add = (added: readonly Signal[]): void => setSignals((before) => merged(before ?? [], added));
    const feeds = openFeeds({
      url: streamUrl,
      feeds: [signalFeed({ onSignals: (data) => data.length > 0 && add(data) })],
    });
    const load = async (): Promise<void> => {
      try {
        add((await api.signals({ limit: shownMax }, leaving.signal)).items);
        setError(undefined);
      } catch (failure) {
        if (leaving.signal.aborted) return;
        setError(failure instanceof Error ? failure.message : String(failure));
        timer = setTimeout(() => void load(), retryMs);
      }
    };
    void load();
    return () => {
      leaving.abort();
      clearTimeout(timer);
      feeds.close();
    };
  }, []);
  return { signals, error };
}

function merged(before: readonly Signal[], added: readonly Signal[]): Signal[] {
  const byId = new Map([...before, ...added].map((signal) => [signal.signalId, signal]));
  return [...byId.values()].sort((a, b) => (key(a) < key(b) ? 1 : -1)).slice(0, shownMax);
}

function key({ openTime, signalId }: Signal): string {
  return `${openTime} ${signalId}`;
}
