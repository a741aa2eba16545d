import { createTask, parse, validateDetailed, type ScheduledTask } from 'node-cron';

/** The times that a cron expression names, in UTC, by node-cron's reading of it. */
export interface Cron {
  readonly expression: string;
  /** Ticks in (after, until], oldest first, in ms since 1970; at most `max` of the newest, and how many there are. */
  between(afterMs: number, untilMs: number, max: number): { ticks: number[]; total: number };
  /** The first tick after this time, within the next `daysMax` days. */
  next(afterMs: number): number | undefined;
}

const dayMs = 86_400_000;
/** A leap day comes at least once in so many days. */
const daysMax = 8 * 366;

/** @throws RangeError naming what is wrong with the expression. */
export function parseCron(expression: string): Cron {
  const { valid, errors } = validateDetailed(expression);
  if (!valid) throw new RangeError(`${expression}: ${errors.map((error) => error.message).join('; ')}`);
  const timesOfDay = timesOfDayMs(expression);
  const task = createTask(expression, () => undefined, { timezone: 'UTC' });
  void task.destroy();
  // Which days it means (lists, last days, weekdays) is node-cron's own word: its first time of the day is asked.
  const isDay = (dayStartMs: number): boolean => task.match(new Date(dayStartMs + (timesOfDay[0] ?? 0)));
  return {
    expression,
    between(afterMs, untilMs, max) {
      const ticks: number[] = [];
      let total = 0;
      for (let day = startOfDay(untilMs); day > afterMs - dayMs; day -= dayMs) {
        if (!isDay(day)) continue;
        for (let index = timesOfDay.length - 1; index >= 0; index--) {
          const tick = day + (timesOfDay[index] ?? 0);
          if (tick <= afterMs || tick > untilMs) continue;
          total += 1;
          if (ticks.length < max) ticks.push(tick);
        }
      }
      return { ticks: ticks.reverse(), total };
    },
    next(afterMs) {
      const first = startOfDay(afterMs);
      for (let day = first; day < first + daysMax * dayMs; day += dayMs) {
        const tick = isDay(day) ? timesOfDay.find((time) => day + time > afterMs) : undefined;
        if (tick !== undefined) return day + tick;
      }
      return undefined;
    },
  };
}

/** A node-cron task that calls `onTick` at the expression's times in UTC; stop it with `destroy`. */
export function scheduleCron(expression: string, onTick: () => void): ScheduledTask {
  // What it missed while this process was busy is found by the rows of ticks, so node-cron need not warn.
  const task = createTask(expression, onTick, { timezone: 'UTC', suppressMissedWarning: true });
  void task.start();
  return task;
}

function timesOfDayMs(expression: string): number[] {
  const { hour, minute, second } = parse(expression);
  const times = hour.flatMap((h) =>
    minute.flatMap((m) => second.map((s) => ((h * 60 + m) * 60 + s) * 1_000)),
  );
  return times.sort((a, b) => a - b);
}

function startOfDay(ms: number): number {
  return Math.floor(ms / dayMs) * dayMs;
}
