import { Ajv } from 'ajv';
import { Type, type Static } from 'typebox';
import type { Life } from './quiet.ts';
import type { Span } from './spans.ts';

const Minute = Type.Integer({ minimum: 0, maximum: 1e9 });
const Symbol = Type.String({ minLength: 1, maxLength: 40 });

/** What befalls the markets, in minutes since 1970, half-open. */
export const IncidentSchema = Type.Union([
  /** The whole exchange stands still. */
  Type.Object({ kind: Type.Literal('outage'), from: Minute, to: Minute }, { additionalProperties: false }),
  Type.Object(
    { kind: Type.Literal('halt'), symbol: Symbol, from: Minute, to: Minute },
    { additionalProperties: false },
  ),
  /** The market is not traded any more: it stays listed as BREAK until `gone`, for ever where that is left out. */
  Type.Object(
    { kind: Type.Literal('delisting'), symbol: Symbol, from: Minute, gone: Type.Optional(Minute) },
    { additionalProperties: false },
  ),
  /** The name is given to another coin, from a day's midnight on. */
  Type.Object(
    {
      kind: Type.Literal('relisting'),
      symbol: Symbol,
      from: Minute,
      /** Whether trade ids begin at 1 again, or go on from the earlier coin's. */
      ids: Type.Enum(['restart', 'continue']),
    },
    { additionalProperties: false },
  ),
]);
export type Incident = Static<typeof IncidentSchema>;

const ajv = new Ajv({ strict: true });
export const isIncident = ajv.compile<Incident>(IncidentSchema);

const minutesPerDay = 1_440;

/** One coin under a name. */
export interface ListingLife {
  life: Life;
  /** Days since 1970; the first coin's is in its market. */
  listedDay: number;
  /** Whether its ids go on from the earlier coin's. */
  isContinued: boolean;
}

/** What befalls the coins that have a name, one after the other. */
export function livesOf(symbol: string, incidents: readonly Incident[]): ListingLife[] {
  const own = incidents.filter((incident) => !('symbol' in incident) || incident.symbol === symbol);
  const outages = spansOf(own, 'outage');
  const halts = spansOf(own, 'halt');
  const listings = own.flatMap((incident) => (incident.kind === 'relisting' ? incident : []));
  listings.sort((a, b) => a.from - b.from);
  const begins = [-Infinity, ...listings.map(({ from }) => from)];
  return begins.map((begin, i) => {
    const end = begins[i + 1] ?? Infinity;
    const delisting = own.find(
      (incident) => incident.kind === 'delisting' && incident.from >= begin && incident.from < end,
    );
    const gone = delisting?.kind === 'delisting' ? delisting.gone : undefined;
    return {
      life: { halts, outages, delisted: delisting?.from ?? Infinity, gone: gone ?? Infinity },
      listedDay: Math.floor(begin / minutesPerDay),
      isContinued: listings[i - 1]?.ids === 'continue',
    };
  });
}

function spansOf(incidents: readonly Incident[], kind: 'outage' | 'halt'): Span[] {
  return incidents.flatMap((incident) => {
    return incident.kind === kind ? { from: incident.from, to: incident.to } : [];
  });
}

/** Whether the exchange stands still in a minute. */
export function isOutage(incidents: readonly Incident[], minute: number): boolean {
  return incidents.some(({ kind, ...span }) => {
    return kind === 'outage' && 'to' in span && span.from <= minute && minute < span.to;
  });
}
