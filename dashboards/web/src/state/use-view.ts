import { useSyncExternalStore } from 'react';

export const views = { trade: 'Trade', lake: 'Lake' } as const;
export type View = keyof typeof views;

/** Which view the address names, so that it can be linked to and gone back from. */
export function useView(): View {
  return useSyncExternalStore(subscribe, read);
}

function read(): View {
  return location.hash === '#lake' ? 'lake' : 'trade';
}

function subscribe(listener: () => void): () => void {
  addEventListener('hashchange', listener);
  return () => removeEventListener('hashchange', listener);
}
