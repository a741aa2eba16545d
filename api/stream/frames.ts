/** A message as it goes out: what many clients get is made into bytes once. */
export type Frame = string | Buffer;

/** Opens each message of a subscription: `"channel":"candles","interval":"1m"`. */
export function labelOf(of: { channel: string; interval?: string }): string {
  return JSON.stringify(of).slice(1, -1);
}

export function updateText(label: string, data: readonly string[], resumeToken: string): string {
  return `{"op":"update",${label},"data":[${data.join(',')}],"resumeToken":"${resumeToken}"}`;
}

export function snapshotText(
  label: string,
  data: readonly string[],
  reset: boolean,
  resumeToken: string,
): string {
  return `{"op":"snapshot",${label},"reset":${reset},"data":[${data.join(',')}],"resumeToken":"${resumeToken}"}`;
}
