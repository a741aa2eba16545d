import type { NewOrder, Order } from '../schemas/orders.ts';
import type { PrivateMessage, StreamBalance, StreamOrderEvent } from '../schemas/private-stream.ts';
import type { ServerMessage } from '../schemas/stream.ts';
import { ProblemError } from './ask.ts';
import { openPrivateSocket, type PrivateSocketOptions } from './private-socket.ts';

export interface PortfolioStreamOptions extends Pick<PrivateSocketOptions, 'url' | 'token' | 'onState'> {
  portfolioId: string;
  /** The open orders as they are: those before count no more. */
  onOrders: (orders: readonly Order[]) => void;
  /** All that has happened to orders since, each once and in order, also over a loss of the connection. */
  onEvents: (events: readonly StreamOrderEvent[]) => void;
  /** With `isAll` all balances, else those that changed. */
  onBalances: (balances: readonly StreamBalance[], isAll: boolean) => void;
  /** After a loss of the connection: what was missed has been told, or with `reset` cannot be. */
  onResumed?: (reset: boolean) => void;
  onEnded?: PrivateSocketOptions['onEnded'];
}

export interface PortfolioStream {
  /**
   * Places an order once: where the connection is lost before the answer, it is asked for again with the same key.
   * @throws ProblemError where it is refused; {@link UnansweredError}
   */
  placeOrder(order: NewOrder, idempotencyKey?: string): Promise<{ order: Order; isReplay: boolean }>;
  /** @throws ProblemError where it is over; {@link UnansweredError} */
  cancelOrder(orderId: string, idempotencyKey?: string): Promise<Order>;
  close(): void;
}

/** No answer came in time. What was sent may have been done: asking again with the same key tells. */
export class UnansweredError extends Error {
  readonly wasSent: boolean;

  constructor(message: string, wasSent: boolean) {
    super(message);
    this.name = 'UnansweredError';
    this.wasSent = wasSent;
  }
}

type OrderMessage = Extract<PrivateMessage, { op: 'placeOrder' | 'cancelOrder' }>;
type OrderAnswer = Extract<ServerMessage, { op: 'placed' | 'canceled' }>;

interface Waiting {
  message: OrderMessage;
  answered: (answer: OrderAnswer) => void;
  failed: (error: Error) => void;
  timer: ReturnType<typeof setTimeout>;
}

const answerMs = 20_000;
/** The service takes twice as many unanswered messages. */
const waitingMax = 16;

/** One portfolio's orders and balances as they go, and orders placed and cancelled on the same connection. */
export function openPortfolioStream(options: PortfolioStreamOptions): PortfolioStream {
  const { url, token, onState, portfolioId } = options;
  const tokens: { orders?: string; balances?: string } = {};
  const waiting = new Map<string, Waiting>();
  let asked = 0;
  const socket = openPrivateSocket({
    ...{ url, token, onState, onOpen: begin, onMessage: receive },
    onEnded(why) {
      close(why.detail);
      options.onEnded?.(why);
    },
  });

  return {
    async placeOrder(order, idempotencyKey = crypto.randomUUID()) {
      const answer = await send({ op: 'placeOrder', id: nextId(), order, idempotencyKey });
      return { order: answer.order, isReplay: answer.op === 'placed' && answer.isReplay };
    },
    async cancelOrder(orderId, idempotencyKey = crypto.randomUUID()) {
      return (await send({ op: 'cancelOrder', id: nextId(), orderId, idempotencyKey })).order;
    },
    close: () => close('the connection was closed'),
  };

  function begin(): void {
    for (const channel of ['orders', 'balances'] as const) {
      const resumeToken = tokens[channel];
      const resume = resumeToken === undefined ? {} : { resumeToken };
      socket.send({ op: 'subscribe', channel, portfolioId, ...resume });
    }
    for (const { message } of waiting.values()) socket.send(message);
  }

  function receive(message: ServerMessage): void {
    if (message.op === 'placed' || message.op === 'canceled' || message.op === 'refused') {
      return settle(message);
    }
    if (message.op === 'resumed' && message.channel === 'orders') return options.onResumed?.(false);
    if (message.op === 'snapshot' || message.op === 'update') take(message);
  }

  function take(message: Extract<ServerMessage, { op: 'snapshot' | 'update' }>): void {
    if (message.channel === 'orders') {
      tokens.orders = message.resumeToken;
      if (message.op === 'update') return options.onEvents(message.data);
      options.onOrders(message.data);
      if (message.reset) options.onResumed?.(true);
    } else if (message.channel === 'balances') {
      tokens.balances = message.resumeToken;
      options.onBalances(message.data, message.op === 'snapshot');
    }
  }

  function send(message: OrderMessage): Promise<OrderAnswer> {
    if (!socket.isOpen || waiting.size >= waitingMax) {
      const why = socket.isOpen ? 'too many orders wait for their answer' : 'there is no connection';
      return Promise.reject(new UnansweredError(`${why}: nothing was sent`, false));
    }
    return new Promise((answered, failed) => {
      const timer = setTimeout(() => {
        waiting.delete(message.id);
        failed(new UnansweredError('no answer came: it may have been done', true));
      }, answerMs);
      waiting.set(message.id, { message, answered, failed, timer });
      socket.send(message);
    });
  }

  function settle(answer: Extract<ServerMessage, { op: 'placed' | 'canceled' | 'refused' }>): void {
    const found = waiting.get(answer.id);
    if (found === undefined) return;
    waiting.delete(answer.id);
    clearTimeout(found.timer);
    if (answer.op === 'refused') found.failed(new ProblemError(answer.problem));
    else found.answered(answer);
  }

  function close(why: string): void {
    socket.close();
    for (const { failed, timer } of waiting.values()) {
      clearTimeout(timer);
      failed(new UnansweredError(`${why}: it may have been done`, true));
    }
    waiting.clear();
  }

  function nextId(): string {
    asked += 1;
    return String(asked);
  }
}
