import { open } from 'node:fs/promises';
import { setPriority } from 'node:os';
import { writeFileSync } from 'node:fs';
import { encodeAnswer } from '../answer.ts';
import { DuckDb } from '../duckdb.ts';
import { queryError } from '../query-error.ts';
import { lockDown, prepareSelect } from '../select.ts';
import type { SandboxDone, SandboxMessage, SandboxQuery, SandboxSetting } from './messages.ts';

/** The process of one query: takes it from its parent, writes the answer to a file, and waits to be killed. */

const progressEveryMs = 250;
const niceness = 5;

process.on('disconnect', () => {
  // An ordinary exit waits for threads that are at work.
  process.kill(process.pid, 'SIGKILL');
});
yieldToOthers();
const setting = JSON.parse(process.argv[2] ?? '{}') as SandboxSetting;
const duck = await DuckDb.open(setting);
await duck.run(`set max_temp_directory_size = '${setting.spillMax}'`);
await duck.run('set autoload_known_extensions = false');
await duck.run('set allow_community_extensions = false');
await duck.run('set enable_progress_bar = true');
await duck.run('set enable_progress_bar_print = false');
process.once('message', (query: SandboxQuery) => {
  answer(query)
    .then((done) => tell(done))
    .catch((error: unknown) => {
      const { hidden, views } = query;
      const { code, message, remedy } = queryError(error, { tables: Object.keys(views.snapshots), hidden });
      tell({ type: 'failed', code, message, remedy });
    });
});
tell({ type: 'ready' });

async function answer({ sql, params, views, format, bounds, file }: SandboxQuery): Promise<SandboxDone> {
  // Once there are views, DuckDB names what they are made of instead.
  const snapshots = named(sql, views.snapshots);
  for (const statement of views.statements) await duck.run(statement);
  await lockDown(duck, views.files);
  const statement = await prepareSelect(duck, sql, params);
  const timer = setInterval(() => {
    const { percentage } = duck.connection.progress;
    if (percentage >= 0) tell({ type: 'progress', percent: percentage });
  }, progressEveryMs);
  try {
    const { written, parts } = encodeAnswer(await statement.stream(), {
      format,
      bounds,
      notes: { snapshots },
    });
    const target = await open(file, 'wx', 0o600);
    try {
      for await (const part of parts) await target.write(part);
    } finally {
      await target.close();
    }
    return { type: 'done', ...written, snapshots };
  } finally {
    clearInterval(timer);
  }
}

/** Of the tables those that a text names. DuckDB finds none where there are parameters. */
function named(sql: string, snapshots: Record<string, string | null>): Record<string, string | null> {
  const text = sql.replace(/\$\w+/g, 'null');
  const names = new Set(duck.connection.getTableNames(text, true).map((name) => name.replaceAll('"', '')));
  const read = (table: string) => names.has(table) || names.has(`${table}_revisions`);
  return Object.fromEntries(Object.entries(snapshots).filter(([table]) => read(table)));
}

function tell(message: SandboxMessage): void {
  process.send?.(message);
}

/** To be the last to get the processor and, on Linux, the first to go when memory runs out; where that may be had. */
function yieldToOthers(): void {
  try {
    setPriority(niceness);
    if (process.platform === 'linux') writeFileSync('/proc/self/oom_score_adj', '1000');
  } catch {
    // Its parent watches it all the same.
  }
}
