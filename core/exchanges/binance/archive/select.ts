import { fileOf, labelsBetween, type ArchiveFile, type ArchiveSeries, type Granularity } from './layout.ts';
import type { Span } from './store.ts';

export type Exists = (file: ArchiveFile) => Promise<boolean>;

/**
 * The files that exist and together cover as much of a span as they can, each instant by one of them, in order of time:
 * the month's file for months that lie wholly in the span, daily files for the rest, and the month's file also where
 * some of these are missing. With `only`, files of that granularity.
 */
export async function filesCovering(
  series: ArchiveSeries,
  span: Span,
  exists: Exists,
  only?: Granularity,
): Promise<ArchiveFile[]> {
  const months = filesIn(series, span, 'monthly');
  const chosen = await Promise.all(months.map((month) => chooseIn(month, series, span, exists, only)));
  return chosen.flat();
}

async function chooseIn(
  month: ArchiveFile,
  series: ArchiveSeries,
  span: Span,
  exists: Exists,
  only: Granularity | undefined,
): Promise<ArchiveFile[]> {
  const isWhole = month.period.fromUs >= span.fromUs && month.period.toUs <= span.toUs;
  const hasMonth = only === 'daily' ? () => Promise.resolve(false) : () => exists(month);
  if ((isWhole || only === 'monthly') && (await hasMonth())) return [month];
  if (only === 'monthly') return [];
  const days = filesIn(series, overlap(month.period, span), 'daily');
  const there = await Promise.all(days.map(exists));
  const held = days.filter((_, i) => there[i]);
  if (held.length < days.length && !isWhole && (await hasMonth())) return [month];
  return held;
}

function filesIn(series: ArchiveSeries, { fromUs, toUs }: Span, granularity: Granularity): ArchiveFile[] {
  return labelsBetween(Math.floor(fromUs / 1000), Math.ceil(toUs / 1000), granularity).flatMap(
    (label) => fileOf(series, granularity, label) ?? [],
  );
}

function overlap(a: Span, b: Span): Span {
  return { fromUs: Math.max(a.fromUs, b.fromUs), toUs: Math.min(a.toUs, b.toUs) };
}
