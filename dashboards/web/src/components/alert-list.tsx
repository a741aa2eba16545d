import { useState } from 'react';
import type { Alert } from '#api/client/index.ts';
import { reasonOf, sentence, type Reason } from '../reason.ts';
import { kindWords, type AlertStore } from '../state/alert-store.ts';
import { useLive } from '../state/observed.ts';
import { PriceAlerts } from './price-alerts.tsx';
import { Refusal } from './refusal.tsx';

export interface AlertListProps {
  alerts: AlertStore;
  symbol: string | undefined;
}

const tones: Record<Alert['severity'], string> = {
  info: 'text-accent',
  warning: 'text-warn',
  critical: 'text-down',
};

/** What the user should know of, and the prices they want to be told of. */
export function AlertList({ alerts, symbol }: AlertListProps) {
  const { alerts: known, version } = useLive(alerts, alerts.state);
  const [refused, setRefused] = useState<Reason>();
  const acknowledge = async (alertId: string): Promise<void> => {
    setRefused(undefined);
    try {
      await alerts.acknowledge(alertId);
    } catch (error) {
      setRefused(reasonOf(error));
    }
  };
  return (
    <div className="grid grid-cols-1 gap-4 p-4 xl:grid-cols-2">
      <PriceAlerts symbol={symbol} version={version} />
      <div className="flex flex-col gap-2">
        {refused !== undefined && <Refusal title="It was not noted" reason={refused} />}
        {(known === undefined || known.length === 0) && (
          <p className="text-xs text-soft">{known === undefined ? 'Reading the alerts…' : 'No alerts.'}</p>
        )}
        <ul data-testid="alerts" className="flex flex-col text-xs">
          {known?.map((alert) => (
            <Row key={alert.id} alert={alert} onAcknowledge={() => void acknowledge(alert.id)} />
          ))}
        </ul>
      </div>
    </div>
  );
}

function Row({ alert, onAcknowledge }: { alert: Alert; onAcknowledge: () => void }) {
  const { kind, severity, cause, raisedAt, acknowledgedAt } = alert;
  return (
    <li
      className={`flex items-start gap-3 border-t border-line py-2 first:border-t-0 ${acknowledgedAt === null ? '' : 'text-soft'}`}
    >
      <div className="min-w-0 flex-1">
        <p>
          <span className={`font-semibold ${acknowledgedAt === null ? tones[severity] : ''}`}>
            {sentence(kindWords(kind)).slice(0, -1)}
          </span>{' '}
          <span className="figure text-soft">{`${raisedAt.slice(5, 10)} ${raisedAt.slice(11, 19)}`}</span>
        </p>
        <p className="break-words">{sentence(cause)}</p>
      </div>
      {acknowledgedAt === null && (
        <button
          type="button"
          aria-label={`Seen: ${sentence(cause)}`}
          onClick={onAcknowledge}
          className="shrink-0 rounded-md px-2 py-1 text-accent hover:bg-raised"
        >
          Seen
        </button>
      )}
    </li>
  );
}
