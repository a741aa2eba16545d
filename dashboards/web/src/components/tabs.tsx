import { useRef, type KeyboardEvent, type ReactNode } from 'react';

export interface TabsProps<T extends string> {
  /** Also the begin of the ids: `${name}-tab-…` and `${name}-panel`. */
  name: string;
  label: string;
  tabs: readonly { id: T; title: ReactNode }[];
  chosen: T;
  onChoose: (id: T) => void;
}

/** Tabs as readers of the screen know them: one is reached by Tab, the others by the arrow keys. */
export function Tabs<T extends string>({ name, label, tabs, chosen, onChoose }: TabsProps<T>) {
  const list = useRef<HTMLDivElement>(null);
  const move = (event: KeyboardEvent): void => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step === undefined) return;
    event.preventDefault();
    const at = tabs.findIndex(({ id }) => id === chosen);
    const next = (at + step + tabs.length) % tabs.length;
    const tab = tabs[next];
    if (tab === undefined) return;
    onChoose(tab.id);
    list.current?.querySelectorAll('button')[next]?.focus();
  };
  return (
    <div ref={list} role="tablist" aria-label={label} onKeyDown={move} className="flex overflow-x-auto">
      {tabs.map(({ id, title }) => (
        <button
          key={id}
          type="button"
          role="tab"
          id={`${name}-tab-${id}`}
          aria-selected={id === chosen}
          aria-controls={`${name}-panel`}
          tabIndex={id === chosen ? 0 : -1}
          onClick={() => onChoose(id)}
          className={`border-b-2 px-2 py-2.5 sm:px-3 text-xs font-medium whitespace-nowrap ${
            id === chosen ? 'border-accent text-ink' : 'border-transparent text-soft hover:text-ink'
          }`}
        >
          {title}
        </button>
      ))}
    </div>
  );
}
