import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { add, decimalText, parseDecimal } from '#core/market/decimal.ts';
import type { OrderAnswer, VenueFill, VenueOrderRequest } from '#core/exchanges/order-venue.ts';
import { reconcileOrders, type KnownOrder } from '#core/exchanges/reconcile-orders.ts';
import { Random } from '#core/exchanges/simulator/random.ts';
import { hmacKey, openVenue, type OpenedVenue } from '#tests/core/exchanges/binance/orders/support.ts';

export interface LiveOrdersRun {
  problems: string[];
  figures: { kills: number; meant: number; accepted: number; unanswered: number; fills: number };
}

/** What a line of the program's file says. */
type Line = { meant: VenueOrderRequest } | { clientOrderId: string; answer: OrderAnswer['kind'] };

/** What is booked: the orders, as it is known how they stand, and the fills. */
interface Books {
  orders: Map<string, KnownOrder & { answer?: OrderAnswer }>;
  fills: VenueFill[];
}

const program = join(import.meta.dirname, 'live-orders-program.ts');
const symbol = 'BTCUSDT';
const patienceMs = 60_000;

/**
 * Kills a process that places orders at the simulator, anywhere and again and again, while answers get lost and orders come
 * late. After each kill the next one takes over: it settles and books. In the end its books are the venue's.
 */
export async function liveOrdersRun(options: {
  kills: number;
  seed: number;
  say?: (line: string) => void;
}): Promise<LiveOrdersRun> {
  const random = new Random(options.seed);
  const problems: string[] = [];
  const books: Books = { orders: new Map(), fills: [] };
  const opened = await openVenue(
    { timeoutMs: 2_000, limits: { weightPerMinute: 60_000, maxWaitMs: 10_000 } },
    { weightLimitPerMinute: 60_000 },
  );
  const folder = await mkdtemp(join(tmpdir(), 'live-orders-'));
  const file = join(folder, 'orders.jsonl');
  try {
    await writeFile(file, '');
    await trouble(opened);
    for (let run = 0; run < options.kills; run++) {
      await placeAndKill(opened, { file, run, afterMs: random.below(400) });
      await takeOver(opened, file, books, problems);
      options.say?.(`${run + 1} kills, ${books.orders.size} orders, ${books.fills.length} fills`);
    }
    await opened.simulator.mend();
    await cancelOpen(opened, books);
    await takeOver(opened, file, books, problems);
    const unanswered = books.orders.size - (await answersIn(file)).size;
    return {
      problems: [...problems, ...(await compare(opened, books))],
      figures: figuresOf(books, unanswered),
    };
  } finally {
    await opened.close();
    await rm(folder, { recursive: true, force: true });
  }

  function figuresOf({ orders, fills }: Books, unanswered: number): LiveOrdersRun['figures'] {
    const accepted = [...orders.values()].filter(({ answer }) => answer?.kind === 'accepted').length;
    return { kills: options.kills, meant: orders.size, accepted, unanswered, fills: fills.length };
  }
}

async function trouble({ simulator }: OpenedVenue): Promise<void> {
  const faults = [
    { kind: 'lost-answer', probability: 0.15 },
    { kind: 'late', probability: 0.15, delayMs: 900 },
    { kind: '5xx', probability: 0.1 },
  ];
  for (const fault of faults) await simulator.fault({ ...fault, durationMs: 3_600_000 });
}

/** Runs the program until it has placed some orders, and kills it wherever it is then. */
async function placeAndKill(
  { simulator }: OpenedVenue,
  { file, run, afterMs }: { file: string; run: number; afterMs: number },
): Promise<void> {
  const enough = (await linesOf(file)).length + 8;
  const args = [program, simulator.url, hmacKey.apiKey, hmacKey.secret, file, String(run)];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] });
  const ended = once(child, 'exit');
  try {
    const endMs = performance.now() + patienceMs;
    while ((await linesOf(file)).length < enough) {
      if (child.exitCode !== null || performance.now() > endMs) throw new Error('no orders are placed');
      await sleep(20);
    }
    await sleep(afterMs);
  } finally {
    child.kill('SIGKILL');
    await ended;
  }
}

/** Books what has become of orders that are not over, and fills that are not booked. */
async function takeOver(
  { venue }: OpenedVenue,
  file: string,
  { orders, fills }: Books,
  problems: string[],
): Promise<void> {
  for (const line of await linesOf(file))
    if ('meant' in line && !orders.has(line.meant.clientOrderId))
      orders.set(line.meant.clientOrderId, { ...line.meant, filledQuantity: '0' });
  const known = [...orders.values()].filter(({ answer }) => answer === undefined || isOpen(answer));
  const nextFillIds = new Map([[symbol, (fills.at(-1)?.id ?? 0) + 1]]);
  const found = await reconcileOrders(venue, { orders: known, nextFillIds });
  problems.push(...found.differences.map((difference) => JSON.stringify(difference)));
  for (const order of known) {
    const answer = found.orders.get(order.clientOrderId);
    if (answer === undefined) problems.push(`${order.clientOrderId} was left out`);
    else orders.set(order.clientOrderId, { ...order, ...booked(order, answer, found.fills), answer });
  }
  fills.push(...found.fills);
  for (const [id, told] of await answersIn(file)) {
    const is = orders.get(id)?.answer?.kind;
    if (told !== 'unknown' && told !== is) problems.push(`${id} was ${told}, and is ${is}`);
  }
}

function booked(
  order: KnownOrder,
  answer: OrderAnswer,
  fills: readonly VenueFill[],
): Pick<KnownOrder, 'filledQuantity'> {
  const id = answer.kind === 'accepted' ? answer.order.venueOrderId : undefined;
  const own = fills.filter(({ venueOrderId }) => venueOrderId === id);
  const sum = own.reduce(
    (total, { quantity }) => add(total, parseDecimal(quantity)),
    parseDecimal(order.filledQuantity),
  );
  return { filledQuantity: decimalText(sum) };
}

async function cancelOpen({ venue }: OpenedVenue, { orders }: Books): Promise<void> {
  for (const order of orders.values())
    if (order.answer !== undefined && isOpen(order.answer)) await venue.cancel(order);
}

/** How the books differ from what the venue holds to be true. */
async function compare({ truth, venue }: OpenedVenue, { orders, fills }: Books): Promise<string[]> {
  const venueHas = await truth();
  const weHave = [...orders.values()].flatMap(({ answer, filledQuantity }) => {
    if (answer?.kind !== 'accepted') return [];
    const { clientOrderId, status } = answer.order;
    return `${clientOrderId} ${status} ${filledQuantity}`;
  });
  const theyHave = venueHas.orders.map(({ clientOrderId, status, executedQty }) => {
    return `${clientOrderId} ${status.toLowerCase()} ${decimalText(parseDecimal(executedQty))}`;
  });
  const problems = differing('orders', weHave.sort(), theyHave.sort());
  const undecided = [...orders.values()].filter(
    ({ answer }) => answer === undefined || answer.kind === 'unknown',
  );
  problems.push(
    ...undecided.map(({ clientOrderId }) => `${clientOrderId} is not known to be accepted or rejected`),
  );
  problems.push(
    ...differing(
      'fills',
      fills.map(({ id }) => id),
      venueHas.fills.map(({ id }) => id),
    ),
  );
  const open = await venue.openOrders();
  return open.length === 0 ? problems : [...problems, `${open.length} orders are open`];
}

function differing<T>(what: string, ours: readonly T[], theirs: readonly T[]): string[] {
  if (JSON.stringify(ours) === JSON.stringify(theirs)) return [];
  const [more, less] = [
    ours.filter((one) => !theirs.includes(one)),
    theirs.filter((one) => !ours.includes(one)),
  ];
  return [`${what}: only here ${JSON.stringify(more)}, only there ${JSON.stringify(less)}`];
}

function isOpen(answer: OrderAnswer): boolean {
  if (answer.kind !== 'accepted') return answer.kind === 'unknown';
  return answer.order.status === 'open' || answer.order.status === 'partially_filled';
}

async function answersIn(file: string): Promise<Map<string, OrderAnswer['kind']>> {
  const lines = await linesOf(file);
  return new Map(lines.flatMap((line) => ('answer' in line ? [[line.clientOrderId, line.answer]] : [])));
}

/** What a kill tore was not sent: it is written before. */
async function linesOf(file: string): Promise<Line[]> {
  const whole = (await readFile(file, 'utf8')).split('\n').slice(0, -1);
  return whole.filter((line) => line.endsWith('}')).map((line) => JSON.parse(line) as Line);
}
