/** A place in the log: everything before these offsets was sent. `incarnation` is the epoch: the log they are of. */
export interface LogPlace {
  incarnation: string;
  /** By partition, the offset of the next record. */
  offsets: readonly number[];
}

const version = 1;

/** Opaque to clients. */
export function encodeToken({ incarnation, offsets }: LogPlace): string {
  return Buffer.from(JSON.stringify([version, incarnation, offsets])).toString('base64url');
}

/** The place a token names; undefined for text that is no token of this version. */
export function decodeToken(token: string): LogPlace | undefined {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(token, 'base64url').toString());
  } catch {
    return undefined;
  }
  if (!Array.isArray(value) || value.length !== 3 || value[0] !== version) return undefined;
  const [, incarnation, offsets] = value as unknown[];
  if (typeof incarnation !== 'string' || !Array.isArray(offsets)) return undefined;
  if (!offsets.every((offset): offset is number => Number.isSafeInteger(offset) && offset >= 0))
    return undefined;
  return { incarnation, offsets };
}
