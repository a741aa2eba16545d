import type { ErrorCode } from '#core/platform/errors.ts';
import type { AnswerBounds, AnswerFormat } from '../answer.ts';
import type { QueryParams } from '../select.ts';
import type { LakeViews } from '../views.ts';

/** What a process that runs one query is started with, as its one argument, in JSON. */
export interface SandboxSetting {
  threads: number;
  /** As DuckDB writes sizes. */
  memoryLimit: string;
  spillDir: string;
  /** As DuckDB writes sizes. */
  spillMax: string;
}

/** The one message that it takes. */
export interface SandboxQuery {
  sql: string;
  params: QueryParams;
  views: LakeViews;
  /** Names of tables that are there for others. */
  hidden: readonly string[];
  format: AnswerFormat;
  bounds: AnswerBounds;
  /** The file that the answer is written to. */
  file: string;
}

export interface SandboxDone {
  type: 'done';
  rows: number;
  bytes: number;
  truncated: boolean;
  /** By table that the text names, the snapshot that was read. */
  snapshots: Record<string, string | null>;
}

/** What it says: that it waits for its query, how far it is, and at last how that ended. */
export type SandboxMessage =
  | { type: 'ready' }
  | { type: 'progress'; percent: number }
  | SandboxDone
  | { type: 'failed'; code: ErrorCode; message: string; remedy: string | undefined };
