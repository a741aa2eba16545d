import { Type, type Static } from 'typebox';
import { Ajv } from 'ajv';
import type { Counter } from 'prom-client';
import { mix, Random } from './random.ts';

export const faultKinds = [
  ...(['drop', 'duplicate', 'disorder', 'malformed', 'silence', 'disconnect'] as const),
  ...(['429', '418', '5xx'] as const),
  // Of orders: they come later, are carried out unanswered, or are not shown at first.
  ...(['late', 'lost-answer', 'no-answer', '5xx-after', 'lag'] as const),
];
export type FaultKind = (typeof faultKinds)[number];

/** What `POST /simulator/faults` takes. */
export const FaultRequest = Type.Object(
  {
    kind: Type.Enum([...faultKinds]),
    /** Only this market's messages and orders; all where left out. Other REST faults take no notice. */
    symbol: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
    /** How often it strikes; default 1, or without end where a duration is given. */
    count: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000 })),
    /** Chance to strike, for each message or request; default 1. */
    probability: Type.Optional(Type.Number({ exclusiveMinimum: 0, maximum: 1 })),
    /** Real time after which it is over. */
    durationMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_600_000 })),
    /** How much later an order comes, or for how long it is not shown; default half a second. */
    delayMs: Type.Optional(Type.Integer({ minimum: 1, maximum: 60_000 })),
  },
  { additionalProperties: false },
);
export type Fault = Static<typeof FaultRequest>;

const check = new Ajv({ strict: true }).compile<Fault>(FaultRequest);

interface ActiveFault {
  fault: Fault;
  left: number;
  untilMs: number;
}

const maxActive = 100;

/** The faults that are asked for at present, and how often each kind has struck. */
export class Faults {
  readonly struck = new Map<FaultKind, number>();
  readonly #active: ActiveFault[] = [];
  readonly #random: Random;
  readonly #counter: Counter<'kind'>;

  constructor(seed: number, counter: Counter<'kind'>) {
    this.#random = new Random(mix(seed, 0xfa17));
    this.#counter = counter;
  }

  get isIdle(): boolean {
    return this.#active.length === 0;
  }

  get active(): Fault[] {
    this.#expire();
    return this.#active.map(({ fault, left }) => (Number.isFinite(left) ? { ...fault, count: left } : fault));
  }

  /** Adds a fault as the request's body describes it; the text says what is wrong with it, if anything is. */
  add(body: unknown): Fault | string {
    if (!check(body))
      return `fault${check.errors?.[0]?.instancePath ?? ''} ${check.errors?.[0]?.message ?? ''}`;
    this.#expire();
    if (this.#active.length >= maxActive) return `there are ${maxActive} faults already`;
    const endless = body.durationMs !== undefined;
    this.#active.push({
      fault: body,
      left: body.count ?? (endless ? Infinity : 1),
      untilMs: performance.now() + (body.durationMs ?? Infinity),
    });
    return body;
  }

  clear(): void {
    this.#active.length = 0;
  }

  /** The fault of this kind that strikes here, if one does; it is counted. */
  strike(kind: FaultKind, symbol?: string): Fault | undefined {
    if (this.#active.length === 0) return undefined;
    this.#expire();
    const active = this.#active.find(
      ({ fault }) =>
        fault.kind === kind &&
        (fault.symbol === undefined || symbol === undefined || fault.symbol === symbol) &&
        (fault.probability === undefined || this.#random.next() < fault.probability),
    );
    if (active === undefined) return undefined;
    active.left--;
    this.struck.set(kind, (this.struck.get(kind) ?? 0) + 1);
    this.#counter.inc({ kind });
    return active.fault;
  }

  #expire(): void {
    const now = performance.now();
    for (let i = this.#active.length - 1; i >= 0; i--) {
      const active = this.#active[i];
      if (active !== undefined && (active.left <= 0 || active.untilMs <= now)) this.#active.splice(i, 1);
    }
  }
}
