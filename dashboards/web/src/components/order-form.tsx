import { useEffect, useRef, useState } from 'react';
import { useForm, type Resolver } from 'react-hook-form';
import { UnansweredError, type Market, type MarketRules, type NewOrder } from '#api/client/index.ts';
import { price } from '../format.ts';
import { entryFaults, orderOf, orderTypes, type AmountName, type Entry } from '../orders/entry.ts';
import { sideWord } from '../orders/words.ts';
import { reasonOf } from '../reason.ts';
import type { LiveStore } from '../state/live-store.ts';
import { useLive } from '../state/observed.ts';
import type { PortfolioStore } from '../state/portfolio-store.ts';
import { decimalInput, Field } from './field.tsx';
import { isRefusal, OrderOutcome, type Outcome } from './order-outcome.tsx';
import { OrderPreview } from './order-preview.tsx';
import { QuantityShares } from './quantity-shares.tsx';
import { Segments } from './segments.tsx';

export interface OrderFormProps {
  live: LiveStore;
  store: PortfolioStore;
  market: Market;
  rules: MarketRules | undefined;
}

const sides = [
  { value: 'buy', label: 'Buy', tone: 'has-checked:bg-up/20 has-checked:font-semibold has-checked:text-up' },
  {
    value: 'sell',
    label: 'Sell',
    tone: 'has-checked:bg-down/20 has-checked:font-semibold has-checked:text-down',
  },
] as const;
const types = (['market', 'limit', 'stop_loss', 'stop_limit'] as const).map((value) => ({
  ...{ value, label: orderTypes[value].label },
}));
const times = {
  GTC: 'Until cancelled',
  IOC: 'At once, or what can be',
  FOK: 'At once in full, or not',
} as const satisfies Record<Entry['timeInForce'], string>;
const empty: Entry = {
  ...{ side: 'buy', type: 'market', quantity: '', price: '', stopPrice: '' },
  ...{ timeInForce: 'GTC', postOnly: false },
};

/** Places orders of one market; all amounts stay the text that was typed. */
export function OrderForm({ live, store, market, rules }: OrderFormProps) {
  const { symbol, source } = market;
  const { connection, balances, portfolio, priceCollar } = useLive(store, store.state);
  const form = useForm<Entry, MarketRules | undefined>({
    defaultValues: empty,
    mode: 'onTouched',
    resolver: resolve,
    context: rules,
  });
  const { register, setValue, getValues, formState } = form;
  const entry = form.watch();
  const [outcome, setOutcome] = useState<Outcome>({ is: 'none' });
  /** The order that the outcome is of. */
  const [judged, setJudged] = useState('');
  const lastPrice = (): string => live.market(symbol)?.price ?? market.lastPrice;
  const { hasPrice, hasStop } = orderTypes[entry.type];
  const target = { portfolioId: store.portfolioId, symbol, source };
  const hasFaults = Object.keys(entryFaults(entry, rules)).length > 0;
  const order = hasFaults ? undefined : orderOf(entry, target);
  const isJudged = order !== undefined && JSON.stringify(order) === judged;
  const asset = entry.side === 'buy' ? rules?.quote : rules?.base;
  const available = balances?.find((balance) => balance.asset === asset)?.available ?? '0';

  const shownSymbol = useRef(symbol);
  useEffect(() => {
    if (shownSymbol.current === symbol) return;
    shownSymbol.current = symbol;
    form.reset({ ...form.getValues(), quantity: '', price: '', stopPrice: '' });
    // What may have been placed is not forgotten.
    setOutcome((before) => (isRefusal(before) || before.is === 'answered' ? { is: 'none' } : before));
  }, [form, symbol]);

  const place = async (asked: NewOrder, key: string): Promise<void> => {
    setJudged(JSON.stringify(asked));
    try {
      const placed = await store.place(asked, key);
      setOutcome({ is: 'answered', order: placed });
      if (placed.status !== 'rejected') setValue('quantity', '');
    } catch (error) {
      const again = error instanceof UnansweredError && error.wasSent ? { order: asked, key } : undefined;
      setOutcome({ is: 'failed', reason: reasonOf(error), again });
    }
  };
  const submit = form.handleSubmit(async (values) => {
    setOutcome({ is: 'none' });
    await place(orderOf(values, target), crypto.randomUUID());
  });
  const fill = (name: AmountName, text: string): void =>
    setValue(name, text, { shouldDirty: true, shouldValidate: true });
  const amountField = (name: AmountName, label: string, unit: string | undefined) => (
    <Field
      label={label}
      unit={unit}
      {...decimalInput}
      placeholder="0.00"
      error={formState.errors[name]?.message}
      aside={
        name === 'quantity' ? undefined : (
          <LastPrice of={{ live, market }} onTake={(text) => fill(name, text)} />
        )
      }
      {...register(name)}
    />
  );

  return (
    <form
      onSubmit={(event) => void submit(event)}
      noValidate
      aria-label="Order"
      className="flex flex-col gap-3 p-4"
    >
      {portfolio?.execution === 'live' && (
        <p role="note" className="rounded-lg border border-warn/40 bg-warn/10 px-3 py-2 text-xs text-warn">
          Real money: orders go to the exchange.
        </p>
      )}
      <Segments label="Side" choices={sides} field={register('side')} />
      <Segments
        label="Type"
        choices={types}
        field={register('type', {
          onChange() {
            const { type, price: limit } = getValues();
            if (orderTypes[type].hasPrice && limit === '') setValue('price', lastPrice());
            form.clearErrors();
          },
        })}
      />
      {hasStop && amountField('stopPrice', 'Stop price', rules?.quote)}
      {hasPrice && amountField('price', 'Limit price', rules?.quote)}
      <div className="flex flex-col gap-1.5">
        {amountField('quantity', 'Quantity', rules?.base)}
        <QuantityShares
          entry={entry}
          means={{ available, rules, priceCollar, lastPrice }}
          onTake={(text) => fill('quantity', text)}
        />
      </div>
      {hasPrice && (
        <div className="flex flex-wrap items-center gap-x-4 gap-y-2 text-xs">
          <label className="flex flex-1 items-center gap-2 text-soft">
            Valid
            <select
              {...register('timeInForce', {
                onChange: () => getValues('timeInForce') !== 'GTC' && setValue('postOnly', false),
              })}
              className="min-w-0 flex-1 rounded-lg border border-line bg-ground px-2 py-1.5 text-ink"
            >
              {Object.entries(times).map(([value, text]) => (
                <option key={value} value={value}>
                  {text}
                </option>
              ))}
            </select>
          </label>
          <label className="flex items-center gap-2">
            <input
              type="checkbox"
              {...register('postOnly')}
              disabled={entry.timeInForce !== 'GTC'}
              className="size-4 accent-accent"
            />
            Post only
          </label>
        </div>
      )}
      <OrderPreview
        {...{ live, store, market, rules, entry, available, asset }}
        order={isJudged ? undefined : order}
      />
      <OrderOutcome
        outcome={isRefusal(outcome) && !isJudged ? { is: 'none' } : outcome}
        onAgain={({ order: same, key }) => void place(same, key)}
      />
      <button
        type="submit"
        disabled={connection !== 'live' || formState.isSubmitting}
        className={`rounded-lg px-4 py-2.5 text-sm font-semibold text-ground disabled:cursor-not-allowed disabled:bg-line disabled:text-soft ${
          entry.side === 'buy' ? 'bg-up hover:bg-up/90' : 'bg-down hover:bg-down/90'
        }`}
      >
        {connection === 'live'
          ? `${sideWord(entry.side)} ${rules?.base ?? symbol}`
          : 'Waiting for the connection…'}
      </button>
    </form>
  );
}

/** The newest price, which a click takes over. */
function LastPrice({
  of,
  onTake,
}: {
  of: Pick<OrderFormProps, 'live' | 'market'>;
  onTake: (text: string) => void;
}) {
  const { live, market } = of;
  const last = useLive(live, () => live.market(market.symbol)?.price) ?? market.lastPrice;
  return (
    <button type="button" onClick={() => onTake(last)} className="text-accent hover:underline">
      Last <span className="figure">{price(last)}</span>
    </button>
  );
}

const resolve: Resolver<Entry, MarketRules | undefined> = (values, rules) => {
  const faults = Object.entries(entryFaults(values, rules));
  const errors = Object.fromEntries(faults.map(([name, message]) => [name, { type: 'validate', message }]));
  return faults.length === 0 ? { values, errors: {} } : { values: {}, errors };
};
