import type { Readable, Writable } from 'node:stream';
import type { Config } from '#core/platform/config.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger, type Logger } from '#core/platform/logging.ts';
import { createOutput, type Output } from './output.ts';

export interface GlobalOptions {
  dataDir?: string;
  logLevel?: string;
  config?: string;
  json?: boolean;
}

/** What a command is given instead of reaching for the process. */
export interface Io {
  env: Readonly<Record<string, string | undefined>>;
  cwd: string;
  stdin: Readable;
  stdout: Writable;
  stderr: Writable & { isTTY?: boolean };
}

export interface CliContext {
  readonly io: Io;
  readonly output: Output;
  /** The configuration with the global options and the command's own on top; CONFIG_INVALID where it is wrong. */
  config(overrides?: Readonly<Record<string, unknown>>): Config;
  /** A logger at the configured level, named after the command or role. */
  logger(name: string, config: Config): Logger;
}

export function createContext(io: Io, json: boolean, globals: () => GlobalOptions): CliContext {
  return {
    io,
    output: createOutput({ json, stdout: io.stdout, stderr: io.stderr }),
    config: (overrides = {}) =>
      loadConfig({
        env: io.env,
        cwd: io.cwd,
        file: globals().config,
        overrides: { dataDir: globals().dataDir, logLevel: globals().logLevel, ...overrides },
      }),
    logger: (name, config) => createLogger({ level: config.logLevel, name }),
  };
}
