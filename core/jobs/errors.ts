import { toTicklakeError } from '#core/platform/errors.ts';

/** An error as it is kept and shown: enough to act on, nothing secret. */
export interface KeptError {
  code: string;
  message: string;
  remedy?: string;
}

const messageCharsMax = 2_000;

export function keptError(error: unknown): KeptError {
  const { code, message, remedy } = toTicklakeError(error);
  return { code, message: message.slice(0, messageCharsMax), ...(remedy === undefined ? {} : { remedy }) };
}
