/**
 * The proofs in full: `npm run prove [name] [-- --seed N --kills N --runs N --orders N --clients N --reconnects N]`. Prints the seed and the figures; the last line counts.
 */
import { parseArgs } from 'node:util';
import { backfillCrashRun } from './faults/backfill-crash.ts';
import { crashRun, problemsOf } from './faults/crash.ts';
import { figuresRun } from './faults/figures.ts';
import { liveOrdersRun } from './faults/live-orders.ts';
import { liveTradingRun, problemsOf as liveTradingProblemsOf } from './faults/live-trading.ts';
import { racingOrdersRun } from './faults/racing-orders.ts';
import { socketsRun } from './faults/sockets.ts';
import { stalledReadersRun } from './faults/stalled-readers.ts';
import { tradingModelRun } from './faults/trading-model.ts';
import { tradingCrashRun } from './faults/trading.ts';
import { transformCrashRun } from './faults/transform.ts';
import { killedConsumersRun } from './pipelines/deliver-events/killed-consumers.ts';
import { batchStreamRun } from './pipelines/stream-bars/batch-stream.ts';
import { kafkaMissing, startTestKafka, type TestKafka } from './support/kafka.ts';

const say = (line: string): void => void process.stderr.write(`${line}\n`);

/** One backfill is over before more. */
const backfillKillsMax = 20;
/** A run takes some seconds. */
const transformKillsMax = 50;
const figuresRunsMax = 40;

interface Sizes {
  seed: number;
  kills: number;
  /** Random sequences. */
  runs: number;
  /** That race. */
  orders: number;
  /** Of the stream, and connections after their first. */
  clients: number;
  reconnects: number;
}

const proofs: Record<string, (sizes: Sizes) => Promise<boolean>> = {
  crash: ({ seed, kills }) => crash('crash', seed, kills),
  async 'crash-kafka'({ seed, kills }) {
    const kafka = await startTestKafka();
    if (kafka === undefined) throw new Error((await kafkaMissing()) ?? 'no broker');
    try {
      return await crash('crash-kafka', seed, kills, kafka);
    } finally {
      await kafka.close();
    }
  },
  async 'crash-backfill'({ seed, kills }) {
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
  async trading({ seed, kills }) {
    const run = { kills, seed, speed: 20, say };
    const { problems, figures, kills: killed, slowestMs } = await tradingCrashRun(run);
    const proof = 'trading';
    process.stdout.write(
      `${JSON.stringify({ proof, seed, problems, killed, slowestMs, figures }, null, 2)}\n`,
    );
    return problems.length === 0;
  },
  async events({ seed, kills }) {
    const { problems, figures } = await killedConsumersRun({ kills, seed, say });
    process.stdout.write(`${JSON.stringify({ proof: 'events', seed, problems, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async 'trading-model'({ seed, runs }) {
    const { problems, ...figures } = await tradingModelRun({ runs, seed, say });
    const proof = 'trading-model';
    process.stdout.write(`${JSON.stringify({ proof, seed, problems, ...figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async figures({ seed, runs }) {
    const { problems, ...counts } = await figuresRun({ runs: Math.min(runs, figuresRunsMax), seed, say });
    process.stdout.write(`${JSON.stringify({ proof: 'figures', seed, problems, ...counts }, null, 2)}\n`);
    return problems.length === 0;
  },
  async races({ seed, orders }) {
    const { problems, figures } = await racingOrdersRun({ orders, seed, say });
    process.stdout.write(`${JSON.stringify({ proof: 'races', seed, problems, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async 'live-orders'({ seed, kills }) {
    const { problems, figures } = await liveOrdersRun({ kills, seed, say });
    process.stdout.write(`${JSON.stringify({ proof: 'live-orders', seed, problems, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async 'live-trading'({ seed, kills }) {
    const result = await liveTradingRun({ kills, seed, say });
    const problems = liveTradingProblemsOf(result);
    const { figures, kills: killed, slowestMs } = result;
    const proof = 'live-trading';
    process.stdout.write(
      `${JSON.stringify({ proof, seed, problems, killed, slowestMs, figures }, null, 2)}\n`,
    );
    return problems.length === 0;
  },
  async sockets({ seed, clients, reconnects }) {
    const { problems, figures } = await socketsRun({
      ...{ clients, reconnects, kills: 4, seed, say },
      ...{ lifeMs: 10_000, commandsPerSecond: 300 },
    });
    process.stdout.write(`${JSON.stringify({ proof: 'sockets', seed, problems, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async 'stalled-readers'({ seed }) {
    const { problems, figures } = await stalledReadersRun({ readers: 200, floodMb: 60, say });
    const proof = 'stalled-readers';
    process.stdout.write(`${JSON.stringify({ proof, seed, problems, figures }, null, 2)}\n`);
    return problems.length === 0;
  },
  async 'batch-stream'({ seed }) {
    const result = await batchStreamRun({ symbols: 500, minutes: 1_440, oneByOne: 720 });
    process.stdout.write(`${JSON.stringify({ proof: 'batch-stream', seed, ...result }, null, 2)}\n`);
    return result.unlike === 0 && result.worst < 1e-12;
  },
  async transform({ seed, kills }) {
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
  options: {
    seed: { type: 'string' },
    kills: { type: 'string', default: '200' },
    runs: { type: 'string', default: '2000' },
    orders: { type: 'string', default: '100000' },
    clients: { type: 'string', default: '1000' },
    reconnects: { type: 'string', default: '10000' },
  },
});
const sizes: Sizes = {
  seed: Number(values.seed ?? Date.now() % 1_000_000),
  kills: Number(values.kills),
  runs: Number(values.runs),
  orders: Number(values.orders),
  clients: Number(values.clients),
  reconnects: Number(values.reconnects),
};
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
  say(`proof ${name}, seed ${sizes.seed}`);
  const ok = await proof(sizes).catch((error: unknown) => {
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    return false;
  });
  if (ok) passed++;
  else failed++;
}
if (failed > 0) process.exitCode = 1;
process.stdout.write(`${passed} passed, ${failed} failed, 0 skipped\n`);
