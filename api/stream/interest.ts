/** What somebody follows in a channel: series by their keys, or all that a rule lets through. */
export type Interest = Set<string> | SeriesRule;

export interface SeriesRule {
  has(key: string): boolean;
}

/** Series are added to series; a rule takes the place of whatever was followed before. */
export function joined(before: Interest, added: Interest): Interest {
  return before instanceof Set && added instanceof Set ? new Set([...before, ...added]) : added;
}

/** What is left without some series; nothing without a rule. */
export function without(before: Interest, given: Interest): Interest {
  if (!(before instanceof Set && given instanceof Set)) return new Set();
  return new Set([...before].filter((key) => !given.has(key)));
}

/** How many subscriptions it counts as. */
export function sizeOf(interest: Interest): number {
  return interest instanceof Set ? interest.size : 1;
}
