import fc from 'fast-check';
import { openGround, type Ground } from './trading-model/ground.ts';
import { playSequence, type SequenceFigures } from './trading-model/sequence.ts';
import { steps } from './trading-model/steps.ts';

export interface TradingModelResult {
  /** What must not be, with the sequence that it came from; empty when the proof holds. */
  problems: string[];
  sequences: number;
  figures: SequenceFigures;
}

const problemsShown = 10;
const sequencesPerGround = 100;

/**
 * Plays random sequences of commands on real Postgres through two writers at once, whose connections break amid them, and
 * holds what is answered and stored to a model in memory: see `playSequence`.
 */
export async function tradingModelRun(options: {
  runs: number;
  seed: number;
  say?: (line: string) => void;
}): Promise<TradingModelResult> {
  const figures: SequenceFigures = { commands: 0, twice: 0, again: 0, broken: 0, events: {}, unanswered: {} };
  let problems: string[] = [];
  let sequences = 0;
  let ground: Ground | undefined;
  const property = fc.asyncProperty(steps, async (sequence) => {
    if (ground !== undefined && sequences % sequencesPerGround === 0) {
      options.say?.(`${sequences} sequences: ${JSON.stringify(figures)}`);
      await ground.close();
      ground = undefined;
    }
    ground ??= await openGround();
    const played = await playSequence(ground, sequence);
    sequences += 1;
    addTo(figures, played.figures);
    ({ problems } = played);
    return problems.length === 0;
  });
  try {
    // What breaks when differs each time, so that a shorter sequence that fails is not to be had.
    const result = await fc.check(property, {
      numRuns: options.runs,
      seed: options.seed,
      endOnFailure: true,
    });
    if (!result.failed) return { problems: [], sequences, figures };
    if (problems.length === 0) throw result.errorInstance ?? new Error('the sequences came to nothing');
    const story = `seed ${options.seed}, path ${result.counterexamplePath}: ${fc.stringify(result.counterexample)}`;
    return { problems: [...problems.slice(0, problemsShown), story], sequences, figures };
  } finally {
    await ground?.close();
  }
}

function addTo(sum: SequenceFigures, more: SequenceFigures): void {
  for (const name of ['commands', 'twice', 'again', 'broken'] as const) sum[name] += more[name];
  for (const name of ['events', 'unanswered'] as const)
    for (const [key, count] of Object.entries(more[name])) sum[name][key] = (sum[name][key] ?? 0) + count;
}
