import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { api } from '../api.ts';
import { amountFault } from '../orders/entry.ts';
import { reasonOf, type Reason } from '../reason.ts';
import { decimalInput, Field } from './field.tsx';
import { Refusal } from './refusal.tsx';

interface Opening {
  name: string;
  amount: string;
}

export interface FirstPortfolioProps {
  onOpened: (portfolioId: string) => void;
  onLeave?: (() => void) | undefined;
}

/** Opens a portfolio with made-up money in it. */
export function FirstPortfolio({ onOpened, onLeave }: FirstPortfolioProps) {
  const [refused, setRefused] = useState<Reason>();
  /** Opened already, where only the money is missing: it is not opened twice. */
  const [openedId, setOpenedId] = useState<string>();
  const [moneyKey] = useState(() => crypto.randomUUID());
  const { register, handleSubmit, formState } = useForm<Opening>({
    defaultValues: { name: 'Paper portfolio', amount: '10000' },
  });
  const { errors, isSubmitting } = formState;
  const submit = handleSubmit(async ({ name, amount }) => {
    setRefused(undefined);
    try {
      const id = openedId ?? (await api.trading.openPortfolio({ name: name.trim() })).id;
      setOpenedId(id);
      await api.trading.deposit(id, { asset: 'USDT', amount: amount.trim() }, moneyKey);
      onOpened(id);
    } catch (error) {
      setRefused(reasonOf(error));
    }
  });
  return (
    <section aria-labelledby="opening-title" className="panel shrink-0">
      <h2 id="opening-title" className="panel-title">
        Open a portfolio
      </h2>
      <form onSubmit={(event) => void submit(event)} noValidate className="flex flex-col gap-3 p-4">
        <p className="text-sm text-soft">The money is made up, and you can add more at any time.</p>
        <Field
          label="Name"
          maxLength={100}
          autoComplete="off"
          error={errors.name?.message}
          {...register('name', { validate: (text) => text.trim() !== '' || 'Enter a name.' })}
        />
        <Field
          label="Money to begin with"
          unit="USDT"
          {...decimalInput}
          error={errors.amount?.message}
          {...register('amount', { validate: (text) => amountFault(text, undefined) ?? true })}
        />
        {refused !== undefined && <Refusal title="It was not opened" reason={refused} />}
        <button type="submit" disabled={isSubmitting} className="button-main">
          {isSubmitting ? 'One moment…' : 'Open portfolio'}
        </button>
        {onLeave !== undefined && (
          <button type="button" onClick={onLeave} className="button-quiet">
            Back to trading
          </button>
        )}
      </form>
    </section>
  );
}
