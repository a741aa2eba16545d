import type { UseFormRegisterReturn } from 'react-hook-form';

export interface SegmentsProps<T extends string> {
  label: string;
  choices: readonly { value: T; label: string; tone?: string }[];
  /** Of the form that the choice belongs to. */
  field: UseFormRegisterReturn;
}

/** A choice of a few, side by side: radio buttons to the keyboard and to readers of the screen. */
export function Segments<T extends string>({ label, choices, field }: SegmentsProps<T>) {
  return (
    <fieldset className="flex rounded-lg border border-line bg-ground p-0.5">
      <legend className="sr-only">{label}</legend>
      {choices.map(({ value, label: text, tone = 'has-checked:bg-raised has-checked:text-ink' }) => (
        <label
          key={value}
          className={`flex-1 cursor-pointer rounded-md px-2 py-1.5 text-center text-xs whitespace-nowrap text-soft hover:text-ink has-focus-visible:outline-2 has-focus-visible:outline-accent ${tone}`}
        >
          <input type="radio" value={value} className="sr-only" {...field} />
          {text}
        </label>
      ))}
    </fieldset>
  );
}
