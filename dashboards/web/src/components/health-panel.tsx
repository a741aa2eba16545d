import type { Health } from '#api/client/index.ts';

export interface HealthPanelProps {
  health: { value: Health | undefined; error: string | undefined };
}

interface Part {
  name: string;
  isWell: boolean;
  text: string;
}

/** Whether nothing is known to be down. */
export function isWell({ value, error }: HealthPanelProps['health']): boolean {
  return error === undefined && (value === undefined || partsOf(value).every((part) => part.isWell));
}

/** What the service stands on, and how it answers. */
export function HealthPanel({ health: { value, error } }: HealthPanelProps) {
  return (
    <section aria-labelledby="health-title" className="panel shrink-0">
      <div className="flex flex-wrap items-center gap-x-6 gap-y-2 px-4 py-2.5 text-sm">
        <h2 id="health-title" className="text-xs font-semibold tracking-wide text-soft uppercase">
          Health
        </h2>
        {error !== undefined && <p className="text-down">The service does not answer</p>}
        <ul className="flex flex-wrap gap-x-6 gap-y-1 text-soft">
          {(value === undefined ? [] : partsOf(value)).map((part) => (
            <li key={part.name}>
              <span aria-hidden="true" className={part.isWell ? 'text-up' : 'text-down'}>
                {part.isWell ? '✓' : '✗'}
              </span>{' '}
              {part.name}{' '}
              <span className={`figure ${part.isWell ? 'text-ink' : 'text-down'}`}>{part.text}</span>
            </li>
          ))}
        </ul>
        <a className="ml-auto text-accent hover:underline" href="/metrics">
          Metrics
        </a>
      </div>
    </section>
  );
}

function partsOf({ dependencies, stream, breakers }: Health): Part[] {
  return [
    ...dependencies.map(({ name, status, latencyMs }) => ({
      name,
      isWell: status === 'up',
      text: status === 'up' ? `${latencyMs.toFixed(1)} ms` : 'down',
    })),
    { name: 'live tail', isWell: stream.tailing, text: stream.tailing ? 'reading' : 'waiting' },
    ...breakers.map(({ name, state }) => ({
      name: `${name} breaker`,
      isWell: state === 'closed',
      text: state,
    })),
  ];
}
