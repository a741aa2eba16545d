import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../api.ts';
import { amount as shown } from '../format.ts';
import { amountFault } from '../orders/entry.ts';
import { reasonOf, type Reason } from '../reason.ts';
import { decimalInput, Field } from './field.tsx';
import { Refusal } from './refusal.tsx';

interface Money {
  asset: string;
  amount: string;
}

type Way = 'deposit' | 'withdraw';

/** Puts made-up money in, and takes it out. */
export function MoneyForm({ portfolioId }: { portfolioId: string }) {
  const [refused, setRefused] = useState<Reason>();
  const [done, setDone] = useState<string>();
  const { register, handleSubmit, formState, setValue } = useForm<Money>({
    defaultValues: { asset: 'USDT', amount: '' },
  });
  const { errors, isSubmitting } = formState;
  const move = (way: Way) =>
    handleSubmit(async (typed) => {
      const money = { asset: typed.asset.trim().toUpperCase(), amount: typed.amount.trim() };
      setRefused(undefined);
      setDone(undefined);
      try {
        await api.trading[way](portfolioId, money, crypto.randomUUID());
        setDone(
          `${way === 'deposit' ? 'Added' : 'Taken out'}: ${shown(money.amount, money.asset)} ${money.asset}.`,
        );
        setValue('amount', '');
      } catch (error) {
        setRefused(reasonOf(error));
      }
    });
  return (
    <form
      aria-label="Paper money"
      onSubmit={(event) => void move('deposit')(event)}
      noValidate
      className="flex flex-col gap-2"
    >
      <div className="flex flex-wrap items-start gap-2">
        <Field
          label="Asset"
          autoComplete="off"
          autoCapitalize="characters"
          className="w-18"
          error={errors.asset?.message}
          {...register('asset', {
            validate: (text) => /^[A-Za-z0-9]{1,20}$/.test(text.trim()) || 'Enter a name such as USDT.',
          })}
        />
        <Field
          label="Amount"
          {...decimalInput}
          className="min-w-20 flex-1"
          error={errors.amount?.message}
          {...register('amount', { validate: (text) => amountFault(text, undefined) ?? true })}
        />
        <div className="flex gap-2 pt-5">
          <button type="submit" disabled={isSubmitting} className="button-main px-3! py-2!">
            Add
          </button>
          <button
            type="button"
            disabled={isSubmitting}
            onClick={(event) => void move('withdraw')(event)}
            className="button-quiet px-3!"
          >
            Take out
          </button>
        </div>
      </div>
      <p role="status" className="text-xs text-soft">
        {done ?? 'Paper money: it is made up, and so is what you win.'}
      </p>
      {refused !== undefined && <Refusal title="Nothing was moved" reason={refused} />}
    </form>
  );
}
