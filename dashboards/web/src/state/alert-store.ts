import { openAlertStream, type Alert, type AlertStream } from '#api/client/index.ts';
import { api, streamUrl } from '../api.ts';
import { sentence } from '../reason.ts';
import type { Notices } from './notices.ts';
import { Observed } from './observed.ts';

export interface AlertState {
  /** The newest first; undefined before the first word of them. */
  alerts: readonly Alert[] | undefined;
  /** Grows with each change. */
  version: number;
}

const shownMax = 100;
const retryMs = 5_000;

/** The user's alerts: those there were, and each as it is raised or seen to. */
export class AlertStore extends Observed {
  readonly #notices: Notices;
  readonly #stream: AlertStream;
  readonly #leaving = new AbortController();
  #state: AlertState = { alerts: undefined, version: 0 };

  constructor({ notices, onSignedOut }: { notices: Notices; onSignedOut: () => void }) {
    super();
    this.#notices = notices;
    this.#stream = openAlertStream({
      url: streamUrl,
      onAlerts: (alerts, isAll) => {
        if (!isAll) this.#tell(alerts);
        this.#take(alerts);
      },
      onEnded: onSignedOut,
    });
    void this.#readEarlier();
  }

  state = (): AlertState => this.#state;

  /** How many nobody has seen to. */
  open = (): number =>
    this.#state.alerts?.filter(({ acknowledgedAt }) => acknowledgedAt === null).length ?? 0;

  /** @throws ProblemError */
  async acknowledge(alertId: string): Promise<void> {
    this.#take([await api.alerts.acknowledge(alertId)]);
  }

  close(): void {
    this.#leaving.abort();
    this.#stream.close();
  }

  #tell(alerts: readonly Alert[]): void {
    const known = new Set(this.#state.alerts?.map(({ id }) => id));
    for (const { id, acknowledgedAt, severity, kind, cause } of alerts) {
      if (known.has(id) || acknowledgedAt !== null) continue;
      const tone = severity === 'info' ? 'plain' : 'bad';
      this.#notices.tell({ tone, title: `Alert: ${kindWords(kind)}`, detail: sentence(cause) });
    }
  }

  #take(alerts: readonly Alert[]): void {
    if (this.#leaving.signal.aborted) return;
    const byId = new Map(this.#state.alerts?.map((alert) => [alert.id, alert]));
    for (const alert of alerts) {
      if ((byId.get(alert.id)?.sequence ?? -1) <= alert.sequence) byId.set(alert.id, alert);
    }
    const newestFirst = [...byId.values()].sort((a, b) => (a.raisedAt < b.raisedAt ? 1 : -1));
    this.#state = { alerts: newestFirst.slice(0, shownMax), version: this.#state.version + 1 };
    this.changed();
  }

  /** Those that were seen to: the stream begins with the others. */
  async #readEarlier(): Promise<void> {
    const { signal } = this.#leaving;
    while (!signal.aborted) {
      try {
        return this.#take((await api.alerts.list({ limit: shownMax }, signal)).items);
      } catch {
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }
}

/** `price_reached` in plain words. */
export function kindWords(kind: string): string {
  return kind.replaceAll('_', ' ');
}
