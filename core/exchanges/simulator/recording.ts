import { createReadStream } from 'node:fs';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';
import { pipeline, type Readable } from 'node:stream';
import { isMissingFile, messageOf, TicklakeError } from '#core/platform/errors.ts';

/** A line of a recorded combined stream: `<receive time in ns> <message>`. */
export interface RecordedLine {
  /** Time of receipt; a line without one has that of the line before it. */
  receivedNs: bigint;
  /** What follows the time; a line without time as it stands. */
  message: string;
}

const lineForm = /^(\d{1,20}) (.+)$/s;

/**
 * The lines of a recording in their order, read as they are asked for. `.gz` is unpacked. Throws NOT_FOUND where there is
 * no such file, DATA_CORRUPT where it cannot be read to its end.
 */
export async function* readRecording(file: string): AsyncGenerator<RecordedLine> {
  const input = createReadStream(file);
  const text = file.endsWith('.gz') ? createGunzip() : undefined;
  let failure: unknown;
  if (text !== undefined) pipeline(input, text, (error: unknown) => (failure ??= error ?? undefined));
  const source: Readable = text ?? input;
  source.on('error', (error) => (failure ??= error));
  const lines = createInterface({ input: source, crlfDelay: Infinity });
  let receivedNs = 0n;
  try {
    for await (const line of lines) {
      if (line === '') continue;
      const parsed = parseLine(line, receivedNs);
      receivedNs = parsed.receivedNs;
      yield parsed;
    }
  } catch (error) {
    failure ??= error;
  } finally {
    lines.close();
    input.destroy();
    text?.destroy();
  }
  if (failure !== undefined) throw unreadable(file, failure);
}

function parseLine(line: string, previousNs: bigint): RecordedLine {
  const [, time, message] = lineForm.exec(line) ?? [];
  if (time === undefined || message === undefined) return { receivedNs: previousNs, message: line };
  return { receivedNs: BigInt(time), message };
}

function unreadable(file: string, cause: unknown): TicklakeError {
  if (isMissingFile(cause)) {
    return new TicklakeError('NOT_FOUND', `there is no file ${file}`, { cause, remedy: 'Check the path.' });
  }
  return new TicklakeError('DATA_CORRUPT', `${file} cannot be read: ${messageOf(cause)}`, {
    cause,
    remedy: 'Fetch the file again, or leave it out.',
  });
}

/** Several recordings as one, by time of receipt; of equal times the earlier file's line comes first. */
export async function* mergeRecordings(files: readonly string[]): AsyncGenerator<RecordedLine> {
  const readers = files.map((file) => readRecording(file));
  try {
    const heads = await Promise.all(readers.map((reader) => reader.next()));
    for (;;) {
      let first = -1;
      let firstNs = 0n;
      heads.forEach((head, i) => {
        if (head.done === true || (first >= 0 && head.value.receivedNs >= firstNs)) return;
        first = i;
        firstNs = head.value.receivedNs;
      });
      const head = heads[first];
      const reader = readers[first];
      if (head === undefined || reader === undefined || head.done === true) return;
      yield head.value;
      heads[first] = await reader.next();
    }
  } finally {
    await Promise.all(readers.map((reader) => reader.return(undefined)));
  }
}

const streamForm = /"stream"\s*:\s*"([^"@]{1,40}@[^"]{1,40})"/;

/** Name of the stream a message belongs to, found without parsing it. */
export function streamNameIn(message: string): string | undefined {
  return streamForm.exec(message)?.[1];
}

/** The markets whose streams a set of recordings holds, sorted. Reads them all; throws what reading throws. */
export async function symbolsIn(files: readonly string[]): Promise<string[]> {
  const symbols = new Set<string>();
  for (const file of files) {
    for await (const { message } of readRecording(file)) {
      const stream = streamNameIn(message);
      if (stream !== undefined) symbols.add(stream.slice(0, stream.indexOf('@')).toUpperCase());
    }
  }
  return [...symbols].sort();
}
