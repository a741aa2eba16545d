interface AlertMessage {
  timestamp: string;
  data: { severity: string; cause: string };
}

/** One mail about all these messages of alerts. */
export function mailOf(bodies: readonly string[]): { subject: string; text: string } {
  // What is queued is what `announce` wrote.
  const alerts = bodies.map((body) => JSON.parse(body) as AlertMessage);
  const [first] = alerts;
  const more = alerts.length > 1 ? ` (and ${alerts.length - 1} more)` : '';
  const lines = alerts.map(({ timestamp, data }) => `${timestamp}  ${data.severity}: ${data.cause}`);
  return {
    subject: oneLine(`ticklake: ${first?.data.cause ?? 'alerts'}`).slice(0, 120) + more,
    text: `${lines.join('\n')}\n\nYou are told because you asked for it; \`PUT /v1/users/me/notifications\` stops it.\n`,
  };
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ');
}
