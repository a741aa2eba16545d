import { useEffect, useState } from 'react';
import { AlertStore } from './alert-store.ts';
import type { Notices } from './notices.ts';
import type { SessionStore } from './session-store.ts';

/** The alerts of who is signed in. */
export function useAlerts(
  userId: string | undefined,
  { session, notices }: { session: SessionStore; notices: Notices },
): AlertStore | undefined {
  const [store, setStore] = useState<AlertStore>();
  useEffect(() => {
    if (userId === undefined) return;
    const opened = new AlertStore({ notices, onSignedOut: () => session.ended() });
    setStore(opened);
    return () => {
      opened.close();
      setStore(undefined);
    };
  }, [userId, session, notices]);
  return store;
}
