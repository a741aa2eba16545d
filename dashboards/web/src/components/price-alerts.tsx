import { useState } from 'react';
import { useForm } from 'react-hook-form';
import type { NewPriceAlert } from '#api/client/index.ts';
import { api } from '../api.ts';
import { price as shown } from '../format.ts';
import { amountFault } from '../orders/entry.ts';
import { reasonOf, type Reason } from '../reason.ts';
import { useRead } from '../state/use-read.ts';
import { decimalInput, Field } from './field.tsx';
import { Refusal } from './refusal.tsx';

interface Wanted {
  direction: NewPriceAlert['direction'];
  price: string;
}

export interface PriceAlertsProps {
  /** The market that is shown. */
  symbol: string | undefined;
  /** Grows with each alert: one of these may have been told. */
  version: number;
}

/** Prices of a market that the user wants to be told of, once. */
export function PriceAlerts({ symbol, version }: PriceAlertsProps) {
  const [changes, setChanges] = useState(0);
  const [refused, setRefused] = useState<Reason>();
  const { value } = useRead('price alerts', `${version}/${changes}`, api.alerts.priceAlerts);
  const { register, handleSubmit, formState, setValue } = useForm<Wanted>({
    defaultValues: { direction: 'above', price: '' },
  });
  const { errors, isSubmitting } = formState;
  const waiting = value?.items.filter(({ raisedAt }) => raisedAt === null) ?? [];
  const change = async (work: () => Promise<unknown>): Promise<void> => {
    setRefused(undefined);
    try {
      await work();
      setChanges((before) => before + 1);
    } catch (error) {
      setRefused(reasonOf(error));
    }
  };
  const submit = handleSubmit(async ({ direction, price }) => {
    if (symbol === undefined) return;
    await change(async () => {
      await api.alerts.setPriceAlert({ symbol, direction, price: price.trim() });
      setValue('price', '');
    });
  });
  return (
    <div className="flex flex-col gap-2">
      <form
        aria-label="Price alert"
        onSubmit={(event) => void submit(event)}
        noValidate
        className="flex flex-wrap items-start gap-2"
      >
        <label className="flex flex-col gap-1 text-xs text-soft">
          When {symbol} is
          <select
            {...register('direction')}
            className="rounded-lg border border-line bg-ground px-2 py-2 text-sm text-ink"
          >
            <option value="above">at or above</option>
            <option value="below">at or below</option>
          </select>
        </label>
        <Field
          label="Price"
          {...decimalInput}
          className="min-w-20 flex-1"
          error={errors.price?.message}
          {...register('price', { validate: (text) => amountFault(text, undefined) ?? true })}
        />
        <button
          type="submit"
          disabled={isSubmitting || symbol === undefined}
          className="button-main mt-5 px-3! py-2!"
        >
          Tell me
        </button>
      </form>
      {refused !== undefined && <Refusal title="It was not changed" reason={refused} />}
      <ul data-testid="price-alerts" className="flex flex-col text-xs">
        {waiting.map(({ id, symbol: of, direction, price }) => (
          <li key={id} className="flex items-center gap-3 border-t border-line py-1.5">
            <span className="font-medium">{of}</span>
            <span className="flex-1 text-soft">
              {direction === 'above' ? 'at or above' : 'at or below'}{' '}
              <span className="figure text-ink">{shown(price)}</span>
            </span>
            <button
              type="button"
              aria-label={`Delete the alert of ${of} at ${shown(price)}`}
              onClick={() => void change(() => api.alerts.deletePriceAlert(id))}
              className="rounded-md px-2 py-1 text-accent hover:bg-raised"
            >
              Delete
            </button>
          </li>
        ))}
      </ul>
    </div>
  );
}
