import type { Health } from '#api/client/index.ts';
import { HealthPanel } from './health-panel.tsx';
import { JobsPanel } from './jobs-panel.tsx';
import { LakePanel } from './lake-panel.tsx';

export interface LakeViewProps {
  health: { value: Health | undefined; error: string | undefined };
  userId: string | undefined;
}

/** What the lake holds, what works on it, and whether all is well. */
export function LakeView({ health, userId }: LakeViewProps) {
  return (
    <main className="flex min-h-0 flex-1 flex-col gap-3">
      <HealthPanel health={health} />
      <div className="grid min-h-0 flex-1 grid-cols-1 gap-3 lg:grid-cols-[minmax(0,1fr)_22rem]">
        <LakePanel userId={userId} />
        <JobsPanel />
      </div>
    </main>
  );
}
