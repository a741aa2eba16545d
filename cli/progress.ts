import { type Options, SingleBar } from 'cli-progress';

export interface ProgressStream extends NodeJS.WritableStream {
  isTTY?: boolean;
}

/** How far a command is; on stderr, as stdout belongs to data. */
export interface Progress {
  /** Tells how much is done, and `more` to say behind it; prints when a line is due. */
  update(done: number, total?: number, more?: string): void;
  /** Prints the last figures. */
  stop(): void;
}

export interface ProgressOptions {
  /** What is counted: `trades`, `tasks`. */
  what: string;
  stream: ProgressStream;
  total?: number;
  /** What was done before it began to count: no part of the rate. */
  doneBefore?: number;
  /** Least milliseconds between lines where there is no terminal. */
  everyMs?: number;
  nowMs?: () => number;
}

/** A bar on a terminal; elsewhere a line every few seconds with done, total, rate and time left. */
export function startProgress(options: ProgressOptions): Progress {
  return options.stream.isTTY === true ? bar(options) : lines(options);
}

function bar(options: ProgressOptions): Progress {
  // cli-progress takes any writable stream that is a terminal, but declares it only in its README.
  const settings: Options & { stream: NodeJS.WritableStream } = {
    stream: options.stream,
    format: `{bar} {value}/{total} ${options.what}{more}, {eta_formatted} left`,
    hideCursor: true,
  };
  const drawn = new SingleBar(settings);
  drawn.start(options.total ?? 0, options.doneBefore ?? 0, { more: '' });
  return {
    update(done, total, more) {
      if (total !== undefined) drawn.setTotal(total);
      drawn.update(done, { more: more === undefined ? '' : `, ${more}` });
    },
    stop: () => drawn.stop(),
  };
}

function lines(options: ProgressOptions): Progress {
  const { stream, what, doneBefore = 0, everyMs = 5_000, nowMs = () => performance.now() } = options;
  const startedMs = nowMs();
  let printedMs = startedMs;
  let done = doneBefore;
  let total = options.total;
  let more: string | undefined;
  const print = (): void => {
    const line = progressLine({ what, done, doneBefore, total, elapsedMs: nowMs() - startedMs });
    stream.write(`${line}${more === undefined ? '' : `, ${more}`}\n`);
    printedMs = nowMs();
  };
  return {
    update(nextDone, nextTotal, nextMore) {
      done = nextDone;
      total = nextTotal ?? total;
      more = nextMore;
      if (nowMs() - printedMs >= everyMs) print();
    },
    stop: print,
  };
}

/** `1,200 of 5,000 trades, 400/s, 10 s left`. */
export function progressLine(at: {
  what: string;
  done: number;
  doneBefore?: number;
  total: number | undefined;
  elapsedMs: number;
}): string {
  const rate = at.elapsedMs > 0 ? ((at.done - (at.doneBefore ?? 0)) / at.elapsedMs) * 1_000 : 0;
  const parts = [`${count(at.done)}${at.total === undefined ? '' : ` of ${count(at.total)}`} ${at.what}`];
  if (rate > 0) parts.push(`${count(rate)}/s`);
  if (at.total !== undefined && rate > 0 && at.total > at.done) {
    parts.push(`${count((at.total - at.done) / rate)} s left`);
  }
  return parts.join(', ');
}

function count(value: number): string {
  return value.toLocaleString('en-US', {
    maximumFractionDigits: value < 10 && !Number.isInteger(value) ? 1 : 0,
  });
}
