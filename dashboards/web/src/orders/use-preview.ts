import { useEffect, useState } from 'react';
import type { NewOrder, Preview } from '#api/client/index.ts';
import { api } from '../api.ts';
import { reasonOf, type Reason } from '../reason.ts';

export type PreviewState =
  { is: 'none' } | { is: 'asking' } | { is: 'known'; preview: Preview } | { is: 'failed'; reason: Reason };

const settleMs = 250;
const none: PreviewState = { is: 'none' };

/** What the service says would become of an order, asked for when typing pauses and when `version` has grown. */
export function usePreview(order: NewOrder | undefined, version: number): PreviewState {
  const body = order === undefined ? undefined : JSON.stringify(order);
  const [state, setState] = useState<{ body: string; told: PreviewState }>();
  useEffect(() => {
    if (body === undefined) return;
    const leaving = new AbortController();
    const timer = setTimeout(() => {
      api.trading.preview(JSON.parse(body) as NewOrder, leaving.signal).then(
        (preview) => tell({ is: 'known', preview }),
        (error: unknown) => tell({ is: 'failed', reason: reasonOf(error) }),
      );
    }, settleMs);
    const tell = (told: PreviewState): void => {
      if (!leaving.signal.aborted) setState({ body, told });
    };
    return () => {
      clearTimeout(timer);
      leaving.abort();
    };
  }, [body, version]);
  if (body === undefined) return none;
  return state?.body === body ? state.told : { is: 'asking' };
}
