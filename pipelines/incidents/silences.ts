import { literal, type DuckDb } from '#core/lake/duckdb.ts';
import type { Lake } from '#core/lake/lake.ts';
import { parquetRelation } from '#core/lake/relation.ts';
import { currentFiles } from '#core/lake/scan.ts';
import { klines } from '#core/lake/tables.ts';
import { intervalUs } from '#core/market/interval.ts';
import { sqlFile } from '#core/platform/sql-file.ts';
import type { Found } from './incident.ts';

const silencesSql = sqlFile(import.meta.url, 'sql/silences.sql');

/** A status other than TRADING that the venue gave a market, from when it was first to when it was last seen. */
export interface StatusSpan {
  symbol: string;
  status: string;
  firstSeenUs: number;
  lastSeenUs: number;
  /** When another one was first seen; null where it is the last. */
  nextSeenUs: number | null;
  isDelisted: boolean;
}

/** A run of minutes without a trade; of the whole venue where the symbol is null. */
interface Silence {
  symbol: string | null;
  fromUs: number;
  toUs: number;
  minutes: number;
  markets: number;
  usualMinutes: number;
  tradedMinutes: number;
  isLast: boolean;
}

const minuteUs = intervalUs('1m');
/** A silence is out of the ordinary when it is so many times as long as the usual one, and so many minutes. */
const unusualFactor = 5;
const outageMinutesMin = 3;
const haltMinutesMin = 10;
/** Of what was traded in fewer minutes, nothing is usual. */
const tradedMinutesMin = 100;

/**
 * Times in which nothing was traded, by the minute bars that are held, flat ones that the venue confirmed among them: an
 * outage where no market was, a halt where one was not and the others were. Minutes of which no bar is held say nothing.
 */
export async function findSilences(
  duck: DuckDb,
  lake: Lake,
  source: string,
  span: { fromUs: number; toUs: number },
  statuses: readonly StatusSpan[],
): Promise<Found[]> {
  const { files } = await currentFiles(lake, klines);
  await duck.run(
    `create or replace temp table bars as
       select symbol, epoch_us(open_time) // ${minuteUs} as minute, trade_count as trades
         from (${parquetRelation(klines, files)})
        where source = ${literal(source)} and "interval" = '1m'
          and open_time >= make_timestamptz(${span.fromUs}) and open_time < make_timestamptz(${span.toUs})`,
  );
  await duck.run(silencesSql);
  const outages = (await silences(duck, `symbol = '' and minutes >= ${outageMinutesMin}`)).filter((run) =>
    isUnusual(run, outageMinutesMin),
  );
  // What is an outage is no halt: the rest is judged without these minutes.
  const during = outages.map(
    ({ fromUs, toUs }) => `(minute >= ${fromUs / minuteUs} and minute < ${toUs / minuteUs})`,
  );
  if (during.length > 0) {
    await duck.run(`delete from bars where ${during.join(' or ')}`);
    await duck.run(silencesSql);
  }
  const named = statuses.map(({ symbol }) => literal(symbol)).join(', ') || 'null';
  const isLong = `symbol <> '' and (minutes >= ${haltMinutesMin} or symbol in (${named}))`;
  const halts = (await silences(duck, isLong)).flatMap((run) => {
    const said = statuses.filter((status) => isDuring(status, run));
    return isUnusual(run, haltMinutesMin) || said.length > 0 ? [haltOf(run, said)] : [];
  });
  return [...outages.map(outageOf), ...halts];
}

async function silences(duck: DuckDb, condition: string): Promise<Silence[]> {
  const rows = await duck.rows(`from silences where ${condition} order by symbol, lo`);
  return rows.map((row) => ({
    symbol: row['symbol'] === '' ? null : String(row['symbol']),
    ...{ fromUs: Number(row['lo']) * minuteUs, toUs: Number(row['hi']) * minuteUs },
    ...{ minutes: Number(row['minutes']), markets: Number(row['markets']) },
    ...{ usualMinutes: Number(row['usual'] ?? 0), tradedMinutes: Number(row['traded'] ?? 0) },
    isLast: row['is_last'] === true,
  }));
}

function isUnusual({ minutes, usualMinutes, tradedMinutes }: Silence, minutesMin: number): boolean {
  return tradedMinutes >= tradedMinutesMin && minutes >= Math.max(minutesMin, unusualFactor * usualMinutes);
}

function isDuring({ symbol, firstSeenUs, lastSeenUs }: StatusSpan, run: Silence): boolean {
  return symbol === run.symbol && firstSeenUs < run.toUs && lastSeenUs >= run.fromUs;
}

function outageOf({ fromUs, toUs, minutes, markets, usualMinutes }: Silence): Found {
  return {
    ...{ symbol: null, kind: 'outage', fromUs, toUs, foundBy: 'silence' },
    cause: 'no market of the venue was traded',
    evidence: { minutes, markets, usualMinutes },
  };
}

function haltOf(
  { symbol, fromUs, toUs, minutes, usualMinutes, isLast }: Silence,
  said: readonly StatusSpan[],
): Found {
  const goesOn = isLast && said.some(({ nextSeenUs }) => nextSeenUs === null);
  const word = said[0]?.status;
  return {
    ...{ symbol, kind: 'halt', fromUs, toUs: goesOn ? null : toUs, foundBy: 'silence' },
    cause: `the market was not traded while others were${word === undefined ? '' : `; the venue called it ${word}`}`,
    evidence: { minutes, usualMinutes, ...(word === undefined ? {} : { status: word }) },
  };
}
