import type { Alert } from '../schemas/alerts.ts';
import { openPrivateSocket, type PrivateSocketOptions } from './private-socket.ts';

export interface AlertStreamOptions extends Pick<PrivateSocketOptions, 'url' | 'token' | 'onState'> {
  /** With `isAll` those that nobody has seen to, else those that were raised or have changed, also over a loss of the connection. */
  onAlerts: (alerts: readonly Alert[], isAll: boolean) => void;
  onEnded?: PrivateSocketOptions['onEnded'];
}

export interface AlertStream {
  close(): void;
}

/** The user's alerts as they are raised and seen to. Reconnects by itself, and goes on where it was. */
export function openAlertStream({ onAlerts, onEnded, ...options }: AlertStreamOptions): AlertStream {
  let resumeToken: string | undefined;
  const socket = openPrivateSocket({
    ...options,
    onOpen() {
      const resume = resumeToken === undefined ? {} : { resumeToken };
      socket.send({ op: 'subscribe', channel: 'alerts', ...resume });
    },
    onMessage(message) {
      if (message.op !== 'snapshot' && message.op !== 'update') return;
      if (message.channel !== 'alerts') return;
      resumeToken = message.resumeToken;
      onAlerts(message.data, message.op === 'snapshot');
    },
    onEnded: (why) => onEnded?.(why),
  });
  return { close: () => socket.close() };
}
