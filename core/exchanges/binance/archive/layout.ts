/**
 * How the exchange's public bulk archive is laid out:
 * `data/spot/{daily,monthly}/{klines/<SYMBOL>/<interval>,trades/<SYMBOL>,aggTrades/<SYMBOL>}/<NAME>.zip` beside
 * `<NAME>.zip.CHECKSUM`, a file a UTC day or month.
 */
export type ArchiveKind = 'klines' | 'trades' | 'aggTrades';
export type Granularity = 'daily' | 'monthly';

/** What one folder of the archive holds. */
export interface ArchiveSeries {
  kind: ArchiveKind;
  symbol: string;
  /** For klines only. */
  interval?: string;
}

/** One file of the archive. Times are microseconds since 1970 UTC, half-open. */
export interface ArchiveFile extends ArchiveSeries {
  granularity: Granularity;
  /** `2024-03-05` or `2024-03`. */
  label: string;
  period: { fromUs: number; toUs: number };
  /** `BTCUSDT-1m-2024-03-05.zip`. */
  name: string;
  /** From the archive's root: `data/spot/daily/…/BTCUSDT-1m-2024-03-05.zip`. */
  path: string;
}

export const archiveKinds: readonly ArchiveKind[] = ['klines', 'trades', 'aggTrades'];
export const granularities: readonly Granularity[] = ['daily', 'monthly'];
export const archiveRoot = 'data/spot';

const dayMs = 86_400_000;
const labelForm = { daily: /^\d{4}-\d{2}-\d{2}$/, monthly: /^\d{4}-\d{2}$/ };

/** The folder of a series, from the archive's root. */
export function folderOf(series: ArchiveSeries, granularity: Granularity): string {
  const { kind, symbol, interval } = series;
  const folder = `${archiveRoot}/${granularity}/${kind}/${symbol}`;
  return kind === 'klines' ? `${folder}/${interval ?? ''}` : folder;
}

/** The file of a series for the day or month that `label` names; undefined where it names none. */
export function fileOf(
  series: ArchiveSeries,
  granularity: Granularity,
  label: string,
): ArchiveFile | undefined {
  const fromMs = labelForm[granularity].test(label) ? Date.parse(label) : NaN;
  if (!Number.isFinite(fromMs) || labelOf(fromMs, granularity) !== label) return undefined;
  const { kind, symbol, interval } = series;
  const what = kind === 'klines' ? (interval ?? '') : kind;
  const name = `${symbol}-${what}-${label}.zip`;
  return {
    ...{ kind, symbol, granularity, label, name },
    ...(kind === 'klines' && interval !== undefined ? { interval } : {}),
    period: { fromUs: fromMs * 1000, toUs: endOf(fromMs, granularity) * 1000 },
    path: `${folderOf(series, granularity)}/${name}`,
  };
}

/** The file a name in a series' folder stands for; undefined for other names. */
export function parseName(
  series: ArchiveSeries,
  granularity: Granularity,
  name: string,
): ArchiveFile | undefined {
  const what = series.kind === 'klines' ? (series.interval ?? '') : series.kind;
  const prefix = `${series.symbol}-${what}-`;
  if (!name.startsWith(prefix) || !name.endsWith('.zip')) return undefined;
  return fileOf(series, granularity, name.slice(prefix.length, -'.zip'.length));
}

/** The reverse of a file's `path`; undefined for what is no file of the archive. */
export function parsePath(path: string): ArchiveFile | undefined {
  const parts = path.split('/');
  const name = parts.pop();
  const [data, spot, granularity, kind, symbol, interval, ...rest] = parts;
  if (`${data}/${spot}` !== archiveRoot || rest.length > 0 || !symbol || name === undefined) return undefined;
  const known = granularities.find((candidate) => candidate === granularity);
  const knownKind = archiveKinds.find((candidate) => candidate === kind);
  if (known === undefined || knownKind === undefined) return undefined;
  if ((knownKind === 'klines') !== (interval !== undefined)) return undefined;
  const series = { kind: knownKind, symbol, ...(interval === undefined ? {} : { interval }) };
  return parseName(series, known, name);
}

/** `2024-03-05` or `2024-03` for an instant. */
export function labelOf(ms: number, granularity: Granularity): string {
  return new Date(ms).toISOString().slice(0, granularity === 'daily' ? 10 : 7);
}

/** Labels of the days or months that [fromMs, toMs) touches, in order. */
export function labelsBetween(fromMs: number, toMs: number, granularity: Granularity): string[] {
  const labels: string[] = [];
  let ms = Date.parse(labelOf(fromMs, granularity));
  while (ms < toMs) {
    labels.push(labelOf(ms, granularity));
    ms = endOf(ms, granularity);
  }
  return labels;
}

function endOf(ms: number, granularity: Granularity): number {
  if (granularity === 'daily') return ms + dayMs;
  const date = new Date(ms);
  return Date.UTC(date.getUTCFullYear(), date.getUTCMonth() + 1, 1);
}
