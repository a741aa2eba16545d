/** All runs that are no steps, or one run with its steps. */
export type RunChannel = 'jobs' | `jobs:${string}`;

export const allRuns = 'jobs';

export function runChannel(runId: string): RunChannel {
  return `jobs:${runId}`;
}

/** The run that a channel is of; undefined for all. */
export function runIdOf(channel: RunChannel): string | undefined {
  return channel === allRuns ? undefined : channel.slice('jobs:'.length).toLowerCase();
}
