import { createHash, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { isDeepStrictEqual } from 'node:util';
import type { ErrorCode } from '#core/platform/errors.ts';
import { parseDecimal } from '#core/market/decimal.ts';
import { parseEvent } from '#core/trading/codec.ts';
import type { NumberedEvent } from '#core/trading/event.ts';
import { setGlobalRisk } from '#core/trading/kill-switch.ts';
import type { RiskState } from '#core/trading/portfolio.ts';
import { defaultLimits } from '#core/trading/limits.ts';
import { readEvents } from '#core/trading/read.ts';
import { command, startUs, type Asked } from '#tests/core/trading/pure.ts';
import { World } from '#tests/core/trading/world.ts';
import { bookFaults } from './books.ts';
import type { Ground } from './ground.ts';
import { Model, type Answered } from './model.ts';
import type { Step, StepAsk } from './steps.ts';
import { executeSurely, submitSurely, untilKnown, type Keyed, type Unheard } from './sure-writer.ts';

export interface SequenceFigures {
  commands: number;
  /** Commands that were asked on two writers at once, and those that were asked again later. */
  twice: number;
  again: number;
  broken: number;
  /** Events by their types. */
  events: Record<string, number>;
  /** Attempts that ended without an answer, by what they ended with. */
  unanswered: Record<string, number>;
}

const funds = { USDT: '100000', BTC: '50', ETH: '100' };
const eventsMax = 100_000;
const opening: Asked = { kind: 'open_portfolio', userId: randomUUID(), name: 'Test', limits: defaultLimits };

/** What was answered under a key. */
interface Known {
  keyed: Keyed;
  answer: readonly NumberedEvent[];
}

/** What is asked of a portfolio as it stands. */
interface Told extends Omit<StepAsk, 'action'> {
  asked: Asked;
  atUs: number;
}

/**
 * Opens two portfolios, plays the steps on them through two writers, and answers what is not as it must be: an answer that
 * the model does not give, one that is another when it is asked again, or books that are wrong at the end.
 */
export async function playSequence(
  ground: Ground,
  steps: readonly Step[],
): Promise<{ problems: string[]; figures: SequenceFigures }> {
  const seed = randomUUID();
  const world = new World((count) => uuidOf(`${seed}/${count}`));
  const figures: SequenceFigures = { commands: 0, twice: 0, again: 0, broken: 0, events: {}, unanswered: {} };
  const onEvent = (type: string): void => {
    figures.events[type] = (figures.events[type] ?? 0) + 1;
  };
  const models = [new Model(randomUUID(), onEvent), new Model(randomUUID(), onEvent)];
  const known: Known[] = [];
  const problems: string[] = [];
  const onAgain = (code: ErrorCode): void => {
    figures.unanswered[code] = (figures.unanswered[code] ?? 0) + 1;
  };

  let globalRisk: RiskState = 'active';
  ground.view = (symbol) => world.view(symbol);
  await play({ asks: models.map((_, portfolio) => told(portfolio, opening)), again: [] });
  for (const [asset, amount] of Object.entries(funds)) {
    const deposit: Asked = { kind: 'deposit', id: asset, asset, amount: parseDecimal(amount) };
    await play({ asks: models.map((_, portfolio) => told(portfolio, deposit)), again: [] });
  }
  for (const step of steps) {
    await play({
      ...step,
      asks: step.asks.flatMap((ask) =>
        world
          .asks(ask.action, modelOf(ask.portfolio).portfolio)
          .map(({ asked, atUs }) => ({ ...ask, asked, atUs })),
      ),
    });
  }
  await play({ asks: [], again: [], globalRisk: 'active' });
  await Promise.all(known.map((one) => askAgain(one, 0)));
  for (const { problems: unlike, portfolio } of models) {
    problems.push(...unlike, ...(await bookFaults(ground.database, portfolio)));
  }
  return { problems, figures };

  /** All that is asked at one time, with what breaks meanwhile. */
  async function play(step: Omit<Step, 'asks'> & { asks: readonly Told[] }): Promise<void> {
    // Of one alone it is plain which events are its own where its answer is lost.
    const guarded = step.asks.find(({ isGuarded, asked }) => isGuarded && asked.kind === 'execute');
    const asking = step.asks.map(async (ask): Promise<Answered | Unheard> => {
      const { id } = modelOf(ask.portfolio).portfolio;
      const asked = { ...command(ask.asked, ask.atUs), portfolioId: id };
      const keyed = { command: asked, key: randomUUID() };
      figures.commands += 1;
      if (ask !== guarded) return { command: asked, answer: await submit(ask, keyed) };
      const answer = await executeSurely(() => ground.writer(ask.writer), keyed, onAgain);
      return typeof answer === 'string' || !('after' in answer) ? { command: asked, answer } : answer;
    });
    const globalRisks = [globalRisk, ...(step.globalRisk === undefined ? [] : [step.globalRisk])];
    const switching = step.globalRisk === undefined ? undefined : setRisk(step.globalRisk);
    const breaking = step.broken === undefined ? undefined : breakIn(step.broken);
    const earlier = step.again.flatMap((share) => known[Math.floor(share * known.length)] ?? []);
    const repeats = earlier.map((one) => askAgain(one, 1));
    const heard = await Promise.all(asking);
    await Promise.all([...repeats, breaking, switching]);
    const answered = heard.filter((one): one is Answered => !('after' in one));
    for (const one of heard) if ('after' in one) answered.push(await findEvents(one, answered));
    for (const model of models) {
      const own = answered.filter((one) => one.command.portfolioId === model.portfolio.id);
      model.follow(own, { view: ground.view, globalRisks });
    }
  }

  async function submit({ isTwice, writer }: Told, keyed: Keyed): Promise<Answered['answer']> {
    const by = (index: number) => submitSurely(() => ground.writer(index), keyed, onAgain);
    const answers = await Promise.all(isTwice ? [by(writer), by(1 - writer)] : [by(writer)]);
    if (isTwice) figures.twice += 1;
    // A refusal is not kept: who asks the second time may find what the first did not.
    const [first, ...others] = answers.filter((answer) => typeof answer !== 'string');
    if (first === undefined) return answers[0] ?? 'INTERNAL';
    if (others.some((other) => !isDeepStrictEqual(other, first)))
      problems.push(`${keyed.command.kind} has two answers`);
    known.push({ keyed, answer: first });
    return first;
  }

  async function askAgain({ keyed, answer }: Known, writer: number): Promise<void> {
    figures.again += 1;
    const now = await submitSurely(() => ground.writer(writer), keyed, onAgain);
    if (!isDeepStrictEqual(now, answer))
      problems.push(`${keyed.command.kind} is answered otherwise when it is asked again`);
  }

  /** The events of what was written without an answer: those up to the next one's. */
  async function findEvents({ command: of, after }: Unheard, others: readonly Answered[]): Promise<Answered> {
    const starts = others.flatMap(({ command: { portfolioId }, answer }) =>
      portfolioId === of.portfolioId && typeof answer !== 'string' ? (answer[0]?.number ?? []) : [],
    );
    const before = Math.min(...starts.filter((number) => number > after), Number.MAX_SAFE_INTEGER);
    const stored = await readEvents(ground.database, of.portfolioId, { after, limit: eventsMax });
    const events = stored.map(({ text }) => parseEvent(text).event).filter(({ number }) => number < before);
    return { command: of, answer: events };
  }

  async function breakIn({ how, writer, afterMs }: NonNullable<Step['broken']>): Promise<void> {
    await sleep(afterMs);
    figures.broken += 1;
    await ground.break(how, writer);
  }

  async function setRisk(risk: RiskState): Promise<void> {
    const change = { risk, by: 'test', reason: 'test', atUs: startUs };
    const refused = await untilKnown(onAgain, () => setGlobalRisk(ground.database, change));
    if (refused !== undefined) problems.push(`the risk of all was not switched: ${refused}`);
    globalRisk = risk;
  }

  function modelOf(index: number): Model {
    const model = models[index];
    if (model === undefined) throw new RangeError(`there is no portfolio ${index}`);
    return model;
  }
}

/** By both writers at once. */
function told(portfolio: number, asked: Asked): Told {
  return { asked, atUs: startUs, portfolio, writer: 0, isTwice: true, isGuarded: false };
}

function uuidOf(text: string): string {
  const hex = createHash('sha256').update(text).digest('hex');
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}
