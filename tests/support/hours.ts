import { intervalUs } from '#core/market/interval.ts';
import { putBars } from './bars.ts';
import type { TestLake } from './lake.ts';

const startUs = Date.parse('2026-03-01T00:00:00Z') * 1_000;
const hourUs = intervalUs('1h');

export interface Hours {
  symbol: string;
  /** Hours of March 2026, [from, to). */
  from: number;
  to: number;
  price: number;
}

/** Puts flat bars of one hour in the place of what the lake holds of their time, as a backfill does. */
export async function putHours(
  ground: Pick<TestLake, 'lake' | 'spillDir'>,
  { symbol, from, to, price }: Hours,
): Promise<void> {
  const p = String(price);
  await putBars(ground, {
    ...{ source: 'venue', listing: `${symbol}#1`, interval: '1h' },
    bars: Array.from({ length: to - from }, (_, i) => ({
      ...{ openUs: startUs + (from + i) * hourUs, open: p, high: p, low: p, close: p },
      ...{ volume: String(from + i + 1), quoteVolume: '1', trades: 1 },
    })),
  });
}
