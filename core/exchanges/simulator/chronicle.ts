import { Ajv } from 'ajv';
import { Type, type Static } from 'typebox';
import { TicklakeError } from '#core/platform/errors.ts';
import { IncidentSchema, isOutage, livesOf, type Incident } from './incidents.ts';
import { KeptFile } from './kept-file.ts';
import { minuteMs } from './market-tape.ts';
import type { Tape } from './tape.ts';

const minutesPerDay = 1_440;
const incidentsMax = 10_000;
const minutesDefault = 10;

/** What `POST /simulator/incidents` takes. Times are virtual, milliseconds since 1970, whole minutes. */
export const IncidentRequest = Type.Object(
  {
    kind: Type.Enum(['outage', 'halt', 'delisting', 'relisting']),
    /** For all but outages. */
    symbol: Type.Optional(Type.String({ minLength: 1, maxLength: 40 })),
    /** Begin, later than now; default the next minute, for a relisting the second midnight after the delisting. */
    fromMs: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e14 })),
    /** Length of an outage or halt; default 10. */
    minutes: Type.Optional(Type.Integer({ minimum: 1, maximum: 1e7 })),
    /** For a delisting: minutes after which the name is gone from exchangeInfo; default never. */
    goneAfterMinutes: Type.Optional(Type.Integer({ minimum: 0, maximum: 1e7 })),
    /** For a relisting: trade ids begin at 1 again (the default), or go on from the earlier coin's. */
    ids: Type.Optional(Type.Enum(['restart', 'continue'])),
  },
  { additionalProperties: false },
);
export type IncidentRequest = Static<typeof IncidentRequest>;

const Kept = Type.Object({
  seed: Type.Integer(),
  rate: Type.Number(),
  incidents: Type.Array(IncidentSchema),
});
type Kept = Static<typeof Kept>;

const ajv = new Ajv({ strict: true });
const isRequest = ajv.compile<IncidentRequest>(IncidentRequest);
const isKept = ajv.compile<Kept>(Kept);

export interface ChronicleOptions {
  tape: Tape;
  rate: number;
  /** What is known from the begin; it is not kept, as it follows from the seed. */
  given: readonly Incident[];
  /** Where what is added is kept between runs; none forgets it. */
  file?: string | undefined;
  nowMs: () => number;
}

/**
 * What befalls the markets of a tape, past and future. What is added begins in the future and is written before it is in
 * force: what was served stays true, also after a kill.
 */
export class Chronicle {
  readonly #options: ChronicleOptions;
  readonly #file: KeptFile<Kept>;
  #added: readonly Incident[];

  /** Throws CONFLICT where the file belongs to another tape, DATA_CORRUPT where it holds something else. */
  constructor(options: ChronicleOptions) {
    const { tape, rate, file } = options;
    this.#options = options;
    this.#file = new KeptFile(file, isKept);
    const kept = this.#file.read();
    if (kept !== undefined && (kept.seed !== tape.seed || kept.rate !== rate)) {
      throw new TicklakeError(
        'CONFLICT',
        `${file} is of another tape (seed ${kept.seed}, rate ${kept.rate})`,
        {
          remedy: 'Give that seed and rate, or another file.',
        },
      );
    }
    this.#added = kept?.incidents ?? [];
    tape.live(this.all);
  }

  get all(): readonly Incident[] {
    return [...this.#options.given, ...this.#added];
  }

  /** Whether the exchange stands still at present. */
  get isDown(): boolean {
    return isOutage(this.all, Math.floor(this.#options.nowMs() / minuteMs));
  }

  /** Adds an incident as a request's body describes it; the text says what is wrong with it, if anything is. */
  add(body: unknown): Incident | string {
    if (!isRequest(body)) {
      const [error] = isRequest.errors ?? [];
      return `incident${error?.instancePath ?? ''} ${error?.message ?? ''}`;
    }
    if (this.#added.length >= incidentsMax) return `there are ${incidentsMax} incidents already`;
    const incident = this.#incidentOf(body);
    if (typeof incident === 'string') return incident;
    const { tape, rate } = this.#options;
    const incidents = [...this.#added, incident];
    this.#file.write({ seed: tape.seed, rate, incidents });
    this.#added = incidents;
    tape.live(this.all);
    return incident;
  }

  #incidentOf(request: IncidentRequest): Incident | string {
    const {
      kind,
      symbol = '',
      fromMs,
      minutes = minutesDefault,
      goneAfterMinutes,
      ids = 'restart',
    } = request;
    const next = Math.floor(this.#options.nowMs() / minuteMs) + 1;
    const from = fromMs === undefined ? next : fromMs / minuteMs;
    if (!Number.isInteger(from)) return 'fromMs is no whole minute';
    if (from < next) return `fromMs is not later than now: what was served does not change`;
    if (kind === 'outage')
      return symbol === '' ? { kind, from, to: from + minutes } : 'an outage is of all markets';
    if (this.#options.tape.market(symbol) === undefined) return `there is no market '${symbol}'`;
    const lives = livesOf(symbol, this.all);
    const last = lives.at(-1);
    const delisted = last?.life.delisted ?? Infinity;
    if (kind === 'halt') return { kind, symbol, from, to: from + minutes };
    if (kind === 'delisting') {
      if (delisted < Infinity) return `${symbol} is delisted already`;
      if (lives.length > 1 && from <= (last?.listedDay ?? 0) * minutesPerDay)
        return `${symbol} is not listed yet`;
      return {
        kind,
        symbol,
        from,
        ...(goneAfterMinutes === undefined ? {} : { gone: from + goneAfterMinutes }),
      };
    }
    if (delisted === Infinity) return `${symbol} is not delisted: its name is taken`;
    const midnight =
      fromMs === undefined
        ? (Math.floor(Math.max(next, delisted) / minutesPerDay) + 2) * minutesPerDay
        : from;
    if (midnight % minutesPerDay !== 0) return 'a relisting begins at midnight, UTC';
    if (midnight <= delisted) return `${symbol} is not delisted by then`;
    return { kind, symbol, from: midnight, ids };
  }
}
