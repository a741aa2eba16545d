import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { TicklakeError, toTicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { Command } from '#core/trading/command.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import type { TradingWriter } from '#core/trading/writer.ts';

/** After these the same is asked again. */
const unknown: ReadonlySet<ErrorCode> = new Set([
  'COMMIT_UNKNOWN',
  'DATABASE_UNREACHABLE',
  'OVERLOADED',
  'UNAVAILABLE',
]);
const knownMs = 60_000;
const againMs = 3;

export interface Keyed {
  command: Command;
  key: string;
}

/** What was done as its place tells, without an answer: its events follow on this one. */
export interface Unheard {
  command: Command;
  after: number;
}

/** What a command was answered, however often it had to be asked; a refusal by its code. */
export async function submitSurely(
  writer: () => TradingWriter,
  { command, key }: Keyed,
  onAgain: (code: ErrorCode) => void,
): Promise<readonly NumberedEvent[] | ErrorCode> {
  return await untilKnown(onAgain, async () => {
    const { events } = await writer().submit(asked(command), { key, bodyHash: key });
    return events;
  });
}

/**
 * The same for what is written without a key, but together with a place of its own, which is not written twice.
 */
export async function executeSurely(
  writer: () => TradingWriter,
  { command, key }: Keyed,
  onAgain: (code: ErrorCode) => void,
): Promise<readonly NumberedEvent[] | ErrorCode | Unheard> {
  let after: number | undefined;
  const answer = await untilKnown(onAgain, async () => {
    const [outcome] = await writer().submitTogether([command], async (tx) => {
      const before = await tx.query<{ number: number }>('select number from places where key = $1', [key]);
      after = before.rows[0]?.number;
      if (after !== undefined) throw new TicklakeError('FENCED', 'it was written before');
      await tx.query(
        'insert into places (key, number) select $1, number from trading.heads where portfolio_id = $2',
        [key, command.portfolioId],
      );
    });
    if (outcome === undefined) throw new TicklakeError('INTERNAL', 'a command was left out');
    if ('refused' in outcome) throw outcome.refused;
    return outcome.submitted.events;
  });
  return answer === 'FENCED' && after !== undefined ? { command, after } : answer;
}

/** Tries again until it is known what was done; what is refused by its code. */
export async function untilKnown<T>(
  onAgain: (code: ErrorCode) => void,
  ask: () => Promise<T>,
): Promise<T | ErrorCode> {
  const deadline = Date.now() + knownMs;
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      const { code } = toTicklakeError(error);
      if (code === 'INTERNAL') throw error;
      if (!unknown.has(code)) return code;
      if (Date.now() > deadline) throw error;
      onAgain(code);
      await sleep(againMs);
    }
  }
}

/** A placement has an id of its own each time that it is asked, as from the API. */
function asked(command: Command): Command {
  return command.kind === 'place_order' ? { ...command, orderId: randomUUID() } : command;
}
