import type { ConnectionState, Health } from '#api/client/index.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { SessionState, SessionStore } from '../state/session-store.ts';
import type { Portfolios } from '../state/use-portfolios.ts';
import { views, type View } from '../state/use-view.ts';
import { isWell } from './health-panel.tsx';
import { Worth } from './worth.tsx';

const connectionWords: Record<ConnectionState, { text: string; dot: string }> = {
  connecting: { text: 'Connecting', dot: 'bg-warn' },
  live: { text: 'Live', dot: 'bg-up' },
  waiting: { text: 'Reconnecting', dot: 'bg-down' },
};

export interface HeaderProps {
  live: LiveStore;
  session: SessionStore;
  portfolios: Portfolios;
  view: View;
  health: { value: Health | undefined; error: string | undefined };
  onSignIn: () => void;
  onSignOut: () => void;
  onNewPortfolio: () => void;
}

export function Header({ live, session, portfolios, view, health, ...does }: HeaderProps) {
  const { text, dot } = connectionWords[useLive(live, live.state)];
  const state = useLive(session, session.state);
  return (
    <header className="panel flex-row! flex-wrap items-center gap-x-5 gap-y-1.5 px-4 py-2">
      <h1 className="flex items-center gap-2 text-base font-semibold">
        <img src="/favicon.svg" alt="" width="22" height="22" />
        <span className="max-sm:sr-only">ticklake</span>
      </h1>
      <nav aria-label="Views" className="flex gap-1 text-sm">
        {Object.entries(views).map(([name, title]) => (
          <a
            key={name}
            href={`#${name}`}
            {...(name === view ? { 'aria-current': 'page' as const } : {})}
            className={`rounded-md px-2.5 py-1 ${name === view ? 'bg-raised text-ink' : 'text-soft hover:text-ink'}`}
          >
            {title}
          </a>
        ))}
        <a href="/docs/" className="rounded-md px-2.5 py-1 text-soft hover:text-ink">
          API
        </a>
      </nav>
      <p role="status" aria-label="Connection" className="flex items-center gap-2 text-sm">
        <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
        {text}
      </p>
      {!isWell(health) && (
        <a href="#lake" className="text-sm text-down hover:underline">
          ✗ {health.error === undefined ? 'Something is down' : 'The service does not answer'}
        </a>
      )}
      <div className="ml-auto flex flex-wrap items-center gap-x-5 gap-y-1.5 text-sm max-sm:contents">
        {state.is === 'user' && portfolios.store !== undefined && (
          <Worth live={live} store={portfolios.store} />
        )}
        <Account {...{ state, portfolios, ...does }} />
      </div>
    </header>
  );
}

interface AccountProps extends Pick<HeaderProps, 'portfolios' | 'onSignIn' | 'onSignOut' | 'onNewPortfolio'> {
  state: SessionState;
}

const opensAnother = '+';

function Account({ state, portfolios, onSignIn, onSignOut, onNewPortfolio }: AccountProps) {
  if (state.is === 'asking') return null;
  if (state.is === 'nobody') {
    return (
      <button type="button" onClick={onSignIn} className="button-main px-3! py-1.5!">
        Sign in
      </button>
    );
  }
  const { all, store, choose } = portfolios;
  return (
    <>
      {all !== undefined && all.length > 0 && (
        <select
          aria-label="Portfolio"
          value={store?.portfolioId ?? ''}
          onChange={({ target: { value } }) => (value === opensAnother ? onNewPortfolio() : choose(value))}
          className="max-w-44 rounded-lg border border-line bg-ground px-2 py-1 text-sm"
        >
          {all.map(({ id, name, execution }) => (
            <option key={id} value={id}>
              {execution === 'live' ? `${name} (real money)` : name}
            </option>
          ))}
          <option value={opensAnother}>Open another…</option>
        </select>
      )}
      <span className="max-w-48 truncate text-soft max-xl:hidden" title={state.user.email}>
        {state.user.displayName ?? state.user.email}
      </span>
      <button type="button" onClick={onSignOut} className="text-accent hover:underline">
        Sign out
      </button>
    </>
  );
}
