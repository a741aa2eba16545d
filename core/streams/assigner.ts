import type { Assignment, GroupOptions } from './event-log.ts';

/**
 * Tells the sink of assignments one at a time, so that the answer to an earlier one can never arrive after a later
 * one: an ownership that ended before the sink answered is revoked first.
 */
export class Assigner {
  readonly #sink: Pick<GroupOptions, 'onAssigned' | 'onRevoked'>;
  #last: Promise<unknown> = Promise.resolve();

  constructor(sink: Pick<GroupOptions, 'onAssigned' | 'onRevoked'>) {
    this.#sink = sink;
  }

  /** Where the sink wants to start, in the order of `assigned`; undefined when `isCurrent` turned false meanwhile. */
  async assign(assigned: readonly Assignment[], isCurrent: () => boolean): Promise<number[] | undefined> {
    const answer = this.#last.then(async () => {
      if (!isCurrent()) return undefined;
      const offsets = await this.#sink.onAssigned(assigned);
      if (isCurrent()) return offsets;
      this.#sink.onRevoked(assigned);
      return undefined;
    });
    this.#last = answer.catch(() => undefined);
    return await answer;
  }
}
