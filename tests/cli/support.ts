import { Readable, Writable } from 'node:stream';
import { run } from '#cli/main.ts';

export interface Ran {
  code: number;
  stdout: string;
  stderr: string;
}

/** Runs a command line in this process, with an environment and streams of its own. */
export async function runCli(argv: readonly string[], env: Record<string, string> = {}): Promise<Ran> {
  const stdout = collector();
  const stderr = collector();
  const code = await run(argv, {
    env,
    cwd: '/somewhere',
    stdin: Readable.from([]),
    stdout: stdout.stream,
    stderr: stderr.stream,
  });
  return { code, stdout: stdout.text(), stderr: stderr.text() };
}

export function collector(): { stream: Writable; text(): string } {
  const chunks: Buffer[] = [];
  const stream = new Writable({
    write(chunk: Buffer, _encoding, done) {
      chunks.push(chunk);
      done();
    },
  });
  return { stream, text: () => Buffer.concat(chunks).toString() };
}
