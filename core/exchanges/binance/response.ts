import { messageOf } from '#core/platform/errors.ts';
import { malformed } from './http-errors.ts';

const maxAnswerBytes = 64 * 1024 * 1024;
/** Where the venue forbids requests without saying for how long. */
const forbiddenMsDefault = 60_000;

/** An answer's text. Throws EXCHANGE_MALFORMED where it is longer than 64 MiB. */
export async function readBounded(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = '';
  let bytes = 0;
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length;
    if (bytes > maxAnswerBytes) throw malformed(new URL(response.url).pathname, 'it is longer than 64 MiB');
    text += decoder.decode(chunk, { stream: true });
  }
  return text + decoder.decode();
}

/** Why a request had no answer, in words. */
export function reasonOf(error: unknown, timeoutMs: number): string {
  if (error instanceof DOMException && error.name === 'TimeoutError')
    return `no answer within ${timeoutMs} ms`;
  const cause = error instanceof Error ? error.cause : undefined;
  return cause === undefined ? messageOf(error) : `${messageOf(error)} (${messageOf(cause)})`;
}

/** The request weight of this minute that the venue says is used. */
export function weightUsed(response: Response): number | undefined {
  return countOf(response.headers.get('x-mbx-used-weight-1m'));
}

/** For how long a 429 or 418 forbids requests; undefined for other answers. */
export function forbiddenMs(response: Response): number | undefined {
  if (response.status !== 429 && response.status !== 418) return undefined;
  const seconds = countOf(response.headers.get('retry-after'));
  return seconds === undefined ? forbiddenMsDefault : seconds * 1000;
}

export function countOf(header: string | null): number | undefined {
  return header !== null && /^\d{1,9}$/.test(header) ? Number(header) : undefined;
}
