/**
 * The proofs in full: `npm run prove [name] [-- --seed N]`. Prints the seed and the figures; the last line counts.
 */
import { parseArgs } from 'node:util';
import { crashRun } from './faults/crash.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

const proofs: Record<string, (seed: number, kills: number) => Promise<boolean>> = {
  async crash(seed, kills) {
    const { report, listings, slowestMs, kills: killed } = await crashRun({ kills, seed, speed: 60, say });
    const ok =
      report['missing'] === 0 &&
      report['tradesReceived'] ===
        (report['committedFromStream'] ?? 0) +
          (report['duplicatesDropped'] ?? 0) +
          (report['deadLetters'] ?? 0) &&
      listings.length > 0 &&
      listings.every((listing) => listing.ok);
    process.stdout.write(
      `${JSON.stringify({ proof: 'crash', seed, ok, killed, slowestMs, report }, null, 2)}\n`,
    );
    return ok;
  },
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { seed: { type: 'string' }, kills: { type: 'string', default: '200' } },
});
const seed = Number(values.seed ?? Date.now() % 1_000_000);
const wanted = positionals.length > 0 ? positionals : Object.keys(proofs);
let passed = 0;
let failed = 0;
for (const name of wanted) {
  const proof = proofs[name];
  if (proof === undefined) {
    say(`There is no proof ${name}; there are ${Object.keys(proofs).join(', ')}.`);
    process.exitCode = 2;
    continue;
  }
  say(`proof ${name}, seed ${seed}`);
  const ok = await proof(seed, Number(values.kills)).catch((error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return false;
  });
  if (ok) passed++;
  else failed++;
}
if (failed > 0) process.exitCode = 1;
process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`);
