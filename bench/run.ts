/**
 * `npm run bench [name…]`: measures a group (`ingest`) or one benchmark (`ingest.freshness`), prints a table, and
 * writes `bench/results/<group>.json`. Progress goes to stderr.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { table } from '#cli/output.ts';
import { measure, type Measurement, type OpenBenchmark } from './benchmark.ts';
import { klinesBackfill } from './backfill/klines.ts';
import { tradesBackfill } from './backfill/trades.ts';
import { freshness } from './ingest/freshness.ts';
import { kafkaToIceberg } from './ingest/kafka-to-iceberg.ts';
import { logToIceberg } from './ingest/log-to-iceberg.ts';
import { socketToLog } from './ingest/socket-to-log.ts';
import { vsPyIceberg } from './ingest/vs-pyiceberg.ts';
import { apiMemory } from './memory/api.ts';
import { ingestMemory } from './memory/ingest.ts';
import { execute } from './trading/execute.ts';
import { fanOut } from './trading/fan-out.ts';
import { place } from './trading/place.ts';
import { placeBusy } from './trading/place-busy.ts';
import { postOrders } from './trading/post-orders.ts';
import { candleClose } from './transform/candle-close.ts';
import { signalLatency } from './transform/signal-latency.ts';
import { transformIndicators } from './transform/indicators.ts';

const benchmarks: Record<string, OpenBenchmark> = {
  'ingest.log_to_iceberg': logToIceberg,
  'ingest.kafka_to_iceberg': kafkaToIceberg,
  'ingest.vs_pyiceberg': vsPyIceberg,
  'ingest.socket_to_log': socketToLog,
  'ingest.freshness': freshness,
  'backfill.klines': klinesBackfill,
  'backfill.trades': tradesBackfill,
  'memory.ingest': ingestMemory,
  'memory.api': apiMemory,
  'trading.place': place,
  'trading.place_busy': placeBusy,
  'trading.execute': execute,
  'trading.fan_out': fanOut,
  'trading.post_orders': postOrders,
  'transform.indicators': transformIndicators,
  'transform.candle_close': candleClose,
  'transform.signal_latency': signalLatency,
};
const rounds = 3;
const folder = join(import.meta.dirname, 'results');

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.keys(benchmarks).some((known) => isPartOf(known, name)));
if (unknown.length > 0) {
  say(`There is no benchmark ${unknown.join(', ')}; there are ${Object.keys(benchmarks).join(', ')}.`);
  process.exitCode = 2;
} else {
  const chosen = Object.entries(benchmarks).filter(
    ([name]) => wanted.length === 0 || wanted.some((of) => isPartOf(name, of)),
  );
  const measured: Measurement[] = [];
  for (const [name, open] of chosen) measured.push(...(await run(name, open)));
  for (const [group, lines] of Map.groupBy(measured, groupOf)) await write(group, lines);
  process.stdout.write(`${printed(measured)}\n`);
  // A benchmark that failed as it opened may have left something running.
  if (process.exitCode === 1) process.exit();
}

async function run(name: string, open: OpenBenchmark): Promise<Measurement[]> {
  say(`${name}: opening`);
  try {
    const benchmark = await open();
    if ('missing' in benchmark) {
      say(`${name}: skipped. ${benchmark.missing}`);
      return [];
    }
    return await measure(benchmark, rounds, (round, figures) => {
      const shown = figures.map(({ ours, peer }, index) => {
        const line = benchmark.lines[index];
        return `${line?.name} ${rounded(ours)} ${line?.unit} (${line?.peerName}: ${rounded(peer)})`;
      });
      say(`${name}: round ${round} of ${rounds}: ${shown.join('; ')}`);
    });
  } catch (error) {
    say(`${name}: failed. ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
    process.exitCode = 1;
    return [];
  }
}

/** Lines of the group that were not measured this time stay as they were. */
async function write(group: string, measured: readonly Measurement[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const file = join(folder, `${group}.json`);
  const known = JSON.parse(await readFile(file, 'utf8').catch(() => '[]')) as Measurement[];
  const lines = new Map([...known, ...measured].map((line) => [line.name, line]));
  await writeFile(file, `${JSON.stringify([...lines.values()], null, 2)}\n`);
}

function printed(measured: readonly Measurement[]): string {
  const rows = measured.map((line) => [
    ...[line.name, rounded(line.ours), line.unit, rounded(line.peer), line.peerName],
    ...[line.ratio.toFixed(2), line.spread.toFixed(2)],
  ]);
  return table(['name', 'ours', 'unit', 'peer', 'peer name', 'ratio', 'spread'], rows);
}

function isPartOf(name: string, groupOrName: string): boolean {
  return name === groupOrName || name.startsWith(`${groupOrName}.`);
}

function groupOf({ name }: Measurement): string {
  return name.slice(0, name.indexOf('.'));
}

function rounded(figure: number): number {
  return Number(figure.toPrecision(figure < 1_000 ? 3 : 6));
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
