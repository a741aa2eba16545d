export const sections = {
  markets: 'Markets',
  chart: 'Chart',
  order: 'Order',
  portfolio: 'Portfolio',
} as const;
export type Section = keyof typeof sections;

/** On a small screen: one part of the page at a time, chosen with the thumb. */
export function SectionBar({ chosen, onChoose }: { chosen: Section; onChoose: (section: Section) => void }) {
  return (
    <nav
      aria-label="Parts of the page"
      className="fixed inset-x-0 bottom-0 z-20 grid grid-cols-4 border-t border-line bg-panel pb-[env(safe-area-inset-bottom)] lg:hidden"
    >
      {Object.entries(sections).map(([name, title]) => (
        <button
          key={name}
          type="button"
          {...(name === chosen ? { 'aria-current': 'true' as const } : {})}
          // The keys of the object are the sections.
          onClick={() => onChoose(name as Section)}
          className={`border-t-2 py-3.5 text-xs font-medium ${
            name === chosen ? 'border-accent text-ink' : 'border-transparent text-soft'
          }`}
        >
          {title}
        </button>
      ))}
    </nav>
  );
}
