import type { FastifyBaseLogger } from 'fastify';
import type { Caller } from '#core/identity/sessions.ts';
import { isTicklakeError, type TicklakeError } from '#core/platform/errors.ts';

/** Whether somebody asked for what they may not have: without a session, without the right, or from where nobody may. */
export function isRefusal(error: unknown): error is TicklakeError {
  if (!isTicklakeError(error)) return false;
  return (
    error.code === 'UNAUTHENTICATED' || error.code === 'FORBIDDEN' || error.context['isRefusal'] === true
  );
}

/** A line of who was refused what; what they sent is not written. */
export function logRefusal(
  logger: Pick<FastifyBaseLogger, 'warn'>,
  { code, message }: TicklakeError,
  asked: { what: string; address: string; caller: Caller | undefined; reqId?: string },
): void {
  const { what, address, caller, reqId } = asked;
  logger.warn(
    { event: 'refused', code, what, address, userId: caller?.userId, by: caller?.by.kind, reqId },
    message,
  );
}
