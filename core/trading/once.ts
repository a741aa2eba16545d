import { TicklakeError } from '#core/platform/errors.ts';
import type { Column } from '#core/platform/postgres/text-array.ts';
import { parseEvent } from './codec.ts';
import type { NumberedEvent } from './event.ts';
import type { AnswerKey, AnswerRow } from './load.ts';

/** What makes a command that is sent again the same one: its keys, for ever, and a hash of its body with defaults applied. */
export interface Once {
  key?: string;
  clientOrderId?: string;
  bodyHash: string;
}

/** What was answered: the events from one number to another, none where the last is below the first. */
export interface Answer {
  bodyHash: string;
  numberFirst: number;
  numberLast: number;
  events: readonly NumberedEvent[];
}

/** Answers under keys, those that were stored and those that a batch adds. */
export class Answers {
  readonly #known = new Map<string, Answer>();
  /** Rows of the answers that are not stored yet. */
  readonly added: Column[][] = [];

  constructor(stored: readonly AnswerRow[]) {
    for (const { portfolioId, kind, key, bodies, ...answer } of stored)
      this.#known.set(nameOf([portfolioId, kind, key]), {
        ...answer,
        events: bodies.map((body) => parseEvent(body).event),
      });
  }

  /**
   * What was answered to the same command; undefined where it is new.
   * @throws IDEMPOTENCY_CONFLICT where a key stands for another body, or the two keys for two commands
   */
  find(portfolioId: string, once: Once): Answer | undefined {
    const found = keysOf(portfolioId, once).flatMap((key) => this.#known.get(nameOf(key)) ?? []);
    const [first] = found;
    if (first === undefined) return undefined;
    if (found.some(({ bodyHash }) => bodyHash !== once.bodyHash))
      throw conflict('the key was used with another body');
    if (found.some(({ numberFirst }) => numberFirst !== first.numberFirst))
      throw conflict('Idempotency-Key and clientOrderId stand for two different orders');
    return first;
  }

  /** Keeps an answer under those of the keys that have none. */
  add(portfolioId: string, once: Once, answer: Omit<Answer, 'bodyHash'>): void {
    for (const key of keysOf(portfolioId, once)) {
      if (this.#known.has(nameOf(key))) continue;
      const { bodyHash } = once;
      this.#known.set(nameOf(key), { ...answer, bodyHash });
      this.added.push([...key, bodyHash, String(answer.numberFirst), String(answer.numberLast)]);
    }
  }
}

/** The keys by which a command is known again. */
export function keysOf(portfolioId: string, once: Once | undefined): AnswerKey[] {
  const keys: AnswerKey[] = [];
  if (once?.key !== undefined) keys.push([portfolioId, 'key', once.key]);
  if (once?.clientOrderId !== undefined) keys.push([portfolioId, 'client_order_id', once.clientOrderId]);
  return keys;
}

function nameOf([portfolioId, kind, key]: AnswerKey): string {
  return `${portfolioId}/${kind}/${key}`;
}

function conflict(message: string): TicklakeError {
  return new TicklakeError('IDEMPOTENCY_CONFLICT', message, {
    remedy: 'Send the same body again, or a new key for a new command.',
  });
}
