import { useCallback, useEffect, useState } from 'react';
import type { PortfolioSummary } from '#api/client/index.ts';
import { api } from '../api.ts';
import { noticeOf } from '../orders/words.ts';
import type { Notices } from './notices.ts';
import { PortfolioStore } from './portfolio-store.ts';
import type { SessionStore } from './session-store.ts';
import { useRead } from './use-read.ts';

export interface Portfolios {
  /** Undefined before the first word of them. */
  all: readonly PortfolioSummary[] | undefined;
  error: string | undefined;
  /** The one that is traded with. */
  store: PortfolioStore | undefined;
  choose: (portfolioId: string) => void;
}

const chosenKey = 'ticklake.portfolio';

/** The user's portfolios, and the one that is traded with, which is remembered. */
export function usePortfolios(
  userId: string | undefined,
  { session, notices }: { session: SessionStore; notices: Notices },
): Portfolios {
  const [version, setVersion] = useState(0);
  const [chosen, setChosen] = useState(() => localStorage.getItem(chosenKey));
  const [store, setStore] = useState<PortfolioStore>();
  const { value, failed } = useRead(userId, version, api.trading.portfolios);
  const all = value?.items;
  const portfolioId = (all?.find(({ id }) => id === chosen) ?? all?.[0])?.id;

  useEffect(() => {
    if (portfolioId === undefined) return;
    const opened = new PortfolioStore({
      portfolioId,
      onEvents(events) {
        for (const event of events) {
          const notice = noticeOf(event);
          if (notice !== undefined) notices.tell(notice);
        }
      },
      onResumed: (reset) =>
        notices.tell({
          tone: 'plain',
          title: 'The connection is back',
          detail: reset
            ? 'Orders are shown as they are; History tells what happened meanwhile.'
            : 'What happened meanwhile has been told.',
        }),
      onSignedOut: () => session.ended(),
    });
    setStore(opened);
    return () => {
      opened.close();
      setStore(undefined);
    };
  }, [portfolioId, session, notices]);

  const choose = useCallback((id: string): void => {
    localStorage.setItem(chosenKey, id);
    setChosen(id);
    setVersion((before) => before + 1);
  }, []);
  return { all, error: failed?.detail, store, choose };
}
