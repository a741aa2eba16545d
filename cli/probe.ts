/** One thing that `ticklake doctor` looks for. */
export interface Probe {
  name: string;
  needed: boolean;
  remedy: string;
  /** What is found; throws when it is missing. */
  find(): string | Promise<string>;
}
