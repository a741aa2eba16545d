/** `npm run bench [group]`: measures, prints a table, writes `bench/results/<group>.json`. */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { table } from '#cli/output.ts';
import { measure, type Benchmark, type Measurement } from './benchmark.ts';
import { logToIceberg } from './ingest/log-to-iceberg.ts';

const rounds = 3;
const groups: Record<string, (() => Promise<Benchmark>)[]> = { ingest: [logToIceberg] };

const wanted = process.argv.slice(2);
for (const group of wanted.length > 0 ? wanted : Object.keys(groups)) {
  const benchmarks = groups[group];
  if (benchmarks === undefined) {
    process.stderr.write(`There is no group ${group}; there are ${Object.keys(groups).join(', ')}.\n`);
    process.exitCode = 2;
    continue;
  }
  const measured: Measurement[] = [];
  for (const open of benchmarks) measured.push(await measure(await open(), rounds));
  const folder = join(import.meta.dirname, 'results');
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, `${group}.json`), `${JSON.stringify(measured, null, 2)}\n`);
  const rows = measured.map((line) => [
    line.name,
    Math.round(line.ours),
    line.unit,
    Math.round(line.peer),
    line.peerName,
    line.ratio.toFixed(2),
    line.spread.toFixed(2),
  ]);
  process.stdout.write(`${table(['name', 'ours', 'unit', 'peer', 'peer name', 'ratio', 'spread'], rows)}\n`);
}
