/**
 * The proofs in full: `npm run prove [name] [-- --seed N]`. Prints the seed and the figures; the last line counts.
 */
import { parseArgs } from 'node:util';
import { backfillCrashRun } from './faults/backfill-crash.ts';
import { crashRun, problemsOf } from './faults/crash.ts';
import { tradingCrashRun } from './faults/trading.ts';
import { transformCrashRun } from './faults/transform.ts';
import { batchStreamRun } from './pipelines/stream-bars/batch-stream.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from './support/kafka.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One backfill is over before more. */
const backfillKillsMax = 20;
/** A run takes some seconds. */
const transformKillsMax = 50;

const proofs: Record<string, (seed: number, kills: number) => Promise<boolean>> = {
  crash: (seed, kills) => crash('crash', seed, kills),
  async 'crash-kafka'(seed, kills) {
    const kafka = await startTestKafka();
    if (kafka === undefined) throw new Error((await kafkaMissing()) ?? 'no broker');
    try {
      return await crash('crash-kafka', seed, kills, kafka);
    } finally {
      await kafka.close();
    }
  },
  async 'crash-backfill'(seed, kills) {
    const {
      problems,
      figures,
      kills: killed,
    } = await backfillCrashRun({
      ...{ kills: Math.min(kills, backfillKillsMax), seed, say },
      ...{ top: 30, dailyDays: 1_095, minuteDays: 2, rate: 0.25 },
    });
    const proof = 'crash-backfill';
    process.stdout.write(`${JSON.stringify({ proof, seed, problems, killed, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async trading(seed, kills) {
    const run = { kills, seed, speed: 60, say };
    const { problems, figures, kills: killed, slowestMs } = await tradingCrashRun(run);
    const proof = 'trading';
    process.stdout.write(
      `${JSON.stringify({ proof, seed, problems, killed, slowestMs, figures }, null, 2)}\n`,
    );
    return problems.length === 0;
  },
  async 'batch-stream'(seed) {
    const result = await batchStreamRun({ symbols: 500, minutes: 1_440, oneByOne: 720 });
    process.stdout.write(`${JSON.stringify({ proof: 'batch-stream', seed, ...result }, null, 2)}\n`);
    return result.unlike === 0 && result.worst < 1e-12;
  },
  async transform(seed, kills) {
    const run = { kills: Math.min(kills, transformKillsMax), seed, say };
    const { problems, figures, kills: killed } = await transformCrashRun(run);
    const proof = 'transform';
    process.stdout.write(`${JSON.stringify({ proof, seed, problems, killed, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
};

async function crash(proof: string, seed: number, kills: number, kafka?: TestKafka): Promise<boolean> {
  const result = await crashRun({ kills, seed, speed: 60, say, ...(kafka === undefined ? {} : { kafka }) });
  const problems = problemsOf(result);
  const { slowestMs, report, candles } = result;
  process.stdout.write(
    `${JSON.stringify({ proof, seed, problems, killed: result.kills, slowestMs, report, candles }, null, 2)}\n`,
  );
  return problems.length === 0;
}

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
