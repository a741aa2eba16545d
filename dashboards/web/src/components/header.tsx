import type { ConnectionState } from '#api/client/index.ts';
import { api } from '../api.ts';
import { useLive, type LiveStore } from '../state/live-store.ts';
import { usePolled } from '../state/use-polled.ts';

const healthEveryMs = 5_000;

const connection: Record<ConnectionState, { text: string; dot: string }> = {
  connecting: { text: 'Connecting', dot: 'bg-warn' },
  live: { text: 'Live', dot: 'bg-up' },
  waiting: { text: 'Reconnecting', dot: 'bg-down' },
};

export function Header({ store }: { store: LiveStore }) {
  const { text, dot } = connection[useLive(store, store.state)];
  return (
    <header className="panel flex-row! flex-wrap items-center gap-x-6 gap-y-2 px-4 py-2.5">
      <h1 className="flex items-center gap-2 text-lg font-semibold">
        <img src="/favicon.svg" alt="" width="24" height="24" />
        ticklake
      </h1>
      <p role="status" aria-label="Connection" className="flex items-center gap-2 text-sm">
        <span aria-hidden="true" className={`size-2 rounded-full ${dot}`} />
        {text}
      </p>
      <HealthStrip />
      <nav aria-label="More" className="ml-auto flex gap-4 text-sm">
        <a className="text-accent hover:underline" href="/docs/">
          API
        </a>
        <a className="text-accent hover:underline" href="/metrics">
          Metrics
        </a>
      </nav>
    </header>
  );
}

function HealthStrip() {
  const { value, error } = usePolled(api.health, healthEveryMs);
  if (error !== undefined) return <p className="text-sm text-down">The service does not answer</p>;
  if (value === undefined) return null;
  const parts = [
    ...value.dependencies.map(({ name, status, latencyMs }) => ({
      name,
      well: status === 'up',
      text: status === 'up' ? `${latencyMs.toFixed(1)} ms` : 'down',
    })),
    { name: 'live tail', well: value.stream.tailing, text: value.stream.tailing ? 'reading' : 'waiting' },
    ...value.breakers.map(({ name, state }) => ({
      name: `${name} breaker`,
      well: state === 'closed',
      text: state,
    })),
  ];
  return (
    <ul aria-label="Health" className="flex flex-wrap gap-x-5 gap-y-1 text-sm text-soft">
      {parts.map(({ name, well, text }) => (
        <li key={name}>
          <span aria-hidden="true" className={well ? 'text-up' : 'text-down'}>
            {well ? '✓' : '✗'}
          </span>{' '}
          {name} <span className={`figure ${well ? 'text-ink' : 'text-down'}`}>{text}</span>
        </li>
      ))}
    </ul>
  );
}
