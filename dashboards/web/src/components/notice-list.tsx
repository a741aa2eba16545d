import type { Notices } from '../state/notices.ts';
import { useLive } from '../state/observed.ts';

const tones = { good: 'border-up/50', bad: 'border-down/50', plain: 'border-line' };

/** What has just happened, above everything else for a moment. */
export function NoticeList({ notices }: { notices: Notices }) {
  const shown = useLive(notices, notices.all);
  return (
    <div
      role="log"
      aria-label="Notices"
      className="pointer-events-none fixed inset-x-3 top-16 z-30 flex flex-col gap-2 sm:left-auto sm:w-88 lg:top-auto lg:right-auto lg:bottom-5 lg:left-5 lg:w-56 xl:w-68"
    >
      {shown.map(({ id, tone, title, detail }) => (
        <div
          key={id}
          className={`pointer-events-auto flex w-full items-start gap-3 rounded-lg border bg-raised px-4 py-2.5 text-sm shadow-lg shadow-black/40 ${tones[tone]}`}
        >
          <div className="min-w-0 flex-1">
            <p className="font-medium">{title}</p>
            {detail !== undefined && <p className="text-xs text-soft">{detail}</p>}
          </div>
          <button
            type="button"
            aria-label={`Dismiss: ${title}`}
            onClick={() => notices.dismiss(id)}
            className="-m-1 p-1 text-soft hover:text-ink"
          >
            ✕
          </button>
        </div>
      ))}
    </div>
  );
}
