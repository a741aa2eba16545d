import type { NewOrder, Order } from '#api/client/index.ts';
import { orderWords } from '../orders/words.ts';
import { sentence, type Reason } from '../reason.ts';
import { Refusal } from './refusal.tsx';

/** An order that may have been placed: asked for again with its key, it is placed once. */
export interface Unanswered {
  order: NewOrder;
  key: string;
}

export type Outcome =
  | { is: 'none' }
  | { is: 'answered'; order: Order }
  | { is: 'failed'; reason: Reason; again: Unanswered | undefined };

/** Whether it is known that nothing was placed, which is about the order as it was asked for alone. */
export function isRefusal(outcome: Outcome): boolean {
  if (outcome.is === 'answered') return outcome.order.status === 'rejected';
  return outcome.is === 'failed' && outcome.again === undefined;
}

/** What became of the order that was placed last. */
export function OrderOutcome({ outcome, onAgain }: { outcome: Outcome; onAgain: (of: Unanswered) => void }) {
  if (outcome.is === 'none') return null;
  if (outcome.is === 'answered') {
    const { order } = outcome;
    if (order.status === 'rejected') {
      const reason = { detail: sentence(order.rejectDetail ?? 'No reason was given') };
      return <Refusal title={`The order was refused (${order.rejectCode ?? 'no code'})`} reason={reason} />;
    }
    return (
      <p
        role="status"
        aria-label="Outcome"
        className="rounded-lg border border-up/40 bg-up/10 px-3 py-2 text-xs"
      >
        <span className="font-semibold text-up">Placed.</span> {orderWords(order)}
      </p>
    );
  }
  const { reason, again } = outcome;
  return (
    <div className="flex flex-col gap-2">
      <Refusal
        title={
          again === undefined ? 'The order was not placed' : 'It is not known whether the order was placed'
        }
        reason={reason}
      />
      {again !== undefined && (
        <button type="button" onClick={() => onAgain(again)} className="button-quiet">
          Ask again
        </button>
      )}
    </div>
  );
}
