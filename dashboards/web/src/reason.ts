import { ProblemError, UnansweredError } from '#api/client/index.ts';

/** Why something was not done, and what the reader can do about it. */
export interface Reason {
  detail: string;
  remedy?: string;
  /** From the service's closed set. */
  code?: string;
}

export function reasonOf(error: unknown): Reason {
  if (error instanceof ProblemError) {
    const { code, detail, remedy } = error.problem;
    return { code, detail: sentence(detail), ...(remedy === null ? {} : { remedy: sentence(remedy) }) };
  }
  if (error instanceof UnansweredError) {
    const remedy = error.wasSent
      ? 'Ask again: it is done once, however often you ask.'
      : 'Wait until the connection is back.';
    return { detail: sentence(error.message), remedy };
  }
  return {
    detail: 'The service does not answer.',
    remedy: 'Check your connection, and that the service runs; then try again.',
  };
}

/** Text with a capital and a full stop. */
export function sentence(text: string): string {
  const end = /[.!?…]$/.test(text) ? '' : '.';
  return `${text.slice(0, 1).toUpperCase()}${text.slice(1)}${end}`;
}
