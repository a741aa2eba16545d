import { useId, type ComponentProps, type ReactNode } from 'react';

export interface FieldProps extends ComponentProps<'input'> {
  label: string;
  /** Stands behind what is typed. */
  unit?: string | undefined;
  /** What is wrong with it, and what to do. */
  error?: string | undefined;
  hint?: string | undefined;
  /** Beside the label, such as a button that fills it in. */
  aside?: ReactNode;
}

/** A labelled input that says what is wrong with it. */
export function Field({ label, unit, error, hint, aside, className = '', ...input }: FieldProps) {
  const id = useId();
  const note = error ?? hint;
  return (
    <div className={`flex flex-col gap-1 ${className}`}>
      <div className="flex items-baseline justify-between gap-2 text-xs">
        <label htmlFor={id} className="text-soft">
          {label}
        </label>
        {aside}
      </div>
      <div
        className={`flex items-center rounded-lg border bg-ground focus-within:border-accent ${
          error === undefined ? 'border-line' : 'border-down'
        }`}
      >
        <input
          id={id}
          aria-invalid={error !== undefined}
          aria-describedby={note === undefined ? undefined : `${id}-note`}
          className="figure min-w-0 flex-1 rounded-lg bg-transparent px-3 py-2 text-sm outline-none placeholder:text-soft/60"
          {...input}
        />
        {unit !== undefined && <span className="pr-3 text-xs text-soft">{unit}</span>}
      </div>
      {note !== undefined && (
        <p id={`${id}-note`} className={`text-xs ${error === undefined ? 'text-soft' : 'text-down'}`}>
          {note}
        </p>
      )}
    </div>
  );
}

/** Decimal text is typed: no spinner, no rounding, and the keys of numbers on a phone. */
export const decimalInput = { type: 'text', inputMode: 'decimal', autoComplete: 'off' } as const;
