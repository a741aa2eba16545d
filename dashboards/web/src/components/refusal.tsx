import type { Reason } from '../reason.ts';

/** What was not done, why, and what to do about it; read out at once. */
export function Refusal({ title, reason }: { title: string; reason: Reason }) {
  return (
    <div
      role="alert"
      className="flex flex-col gap-0.5 rounded-lg border border-down/40 bg-down/10 px-3 py-2 text-xs"
    >
      <p className="font-semibold text-down">{title}</p>
      <p>{reason.detail}</p>
      {reason.remedy !== undefined && <p className="text-soft">{reason.remedy}</p>}
    </div>
  );
}
