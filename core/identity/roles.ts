export const roles = ['trader', 'analyst', 'operator', 'admin'] as const;

/**
 * A `trader` trades on portfolios of their own; an `analyst` also reads order events of all, without names; an
 * `operator` also halts trading and sets limits; an `admin` also gives roles.
 */
export type Role = (typeof roles)[number];
