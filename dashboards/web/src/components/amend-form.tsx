import { useState } from 'react';
import { useForm } from 'react-hook-form';
import type { AmendedTerms, Order } from '#api/client/index.ts';
import { api } from '../api.ts';
import { amountFault, amountsOf, type AmountName } from '../orders/entry.ts';
import { reasonOf, type Reason } from '../reason.ts';
import { decimalInput, Field } from './field.tsx';
import { Refusal } from './refusal.tsx';

type Terms = Record<AmountName, string>;

const labels: Record<AmountName, string> = {
  stopPrice: 'Stop price',
  price: 'Limit price',
  quantity: 'Quantity',
};

/** Changes the amounts of an open order; one that would be refused stays as it was. */
export function AmendForm({ order, onDone }: { order: Order; onDone: () => void }) {
  const [refused, setRefused] = useState<Reason>();
  const before: Terms = {
    quantity: order.quantity,
    price: order.price ?? '',
    stopPrice: order.stopPrice ?? '',
  };
  const { register, handleSubmit, formState, setFocus } = useForm<Terms>({ defaultValues: before });
  const { errors, isSubmitting } = formState;
  const names = amountsOf(order.type);
  const submit = handleSubmit(async (terms) => {
    const changed = names.filter((name) => terms[name].trim() !== before[name]);
    if (changed.length === 0) return onDone();
    setRefused(undefined);
    try {
      const entries = changed.map((name) => [name, terms[name].trim()]);
      await api.trading.amendOrder(order.id, Object.fromEntries(entries) as AmendedTerms);
      onDone();
    } catch (error) {
      setRefused(reasonOf(error));
      setFocus(names[0] ?? 'quantity');
    }
  });
  return (
    <form
      aria-label={`Amend the order of ${order.symbol}`}
      onSubmit={(event) => void submit(event)}
      noValidate
      className="flex flex-col gap-2 rounded-lg bg-raised/50 p-3"
    >
      <div className="flex flex-wrap items-start gap-3">
        {names.map((name) => (
          <Field
            key={name}
            label={labels[name]}
            {...decimalInput}
            error={errors[name]?.message}
            className="w-36"
            {...register(name, { validate: (text) => amountFault(text, undefined) ?? true })}
          />
        ))}
        <div className="flex gap-2 pt-5">
          <button type="submit" disabled={isSubmitting} className="button-main py-2!">
            Amend order
          </button>
          <button type="button" onClick={onDone} className="button-quiet">
            Leave it
          </button>
        </div>
      </div>
      {refused !== undefined && <Refusal title="The order stands as it was" reason={refused} />}
    </form>
  );
}
