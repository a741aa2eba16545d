import type { Chronicle } from './chronicle.ts';
import type { Incident } from './incidents.ts';
import { minuteMs } from './market-tape.ts';
import type { Tape } from './tape.ts';

/**
 * What a reader of the simulator should have found out by itself: incidents, future ones included, and the coins that
 * have or had each name, with their ids as of now. Times are microseconds since 1970; what has no end has none.
 */
export function truthOf(tape: Tape, chronicle: Chronicle, nowMs: number): unknown {
  const markets = tape.markets.flatMap(({ market }) => tape.listings(market.symbol));
  return {
    nowUs: nowMs * 1000,
    incidents: chronicle.all.map(incidentText),
    listings: markets.map((listing) => ({
      symbol: listing.market.symbol,
      listing: listing.listing,
      listedUs: usOf(listing.firstMinute),
      ...ends('delistedUs', listing.life.delisted),
      ...ends('goneUs', listing.life.gone),
      firstTradeId: listing.oldestId,
      nextTradeId: listing.nextId(nowMs),
    })),
  };
}

function incidentText(incident: Incident) {
  const { kind, from } = incident;
  return {
    kind,
    ...('symbol' in incident ? { symbol: incident.symbol } : {}),
    fromUs: usOf(from),
    ...('to' in incident ? { toUs: usOf(incident.to) } : {}),
    ...('gone' in incident && incident.gone !== undefined ? { goneUs: usOf(incident.gone) } : {}),
    ...('ids' in incident ? { ids: incident.ids } : {}),
  };
}

function ends(name: string, minute: number) {
  return minute === Infinity ? {} : { [name]: usOf(minute) };
}

function usOf(minute: number): number {
  return minute * minuteMs * 1000;
}
