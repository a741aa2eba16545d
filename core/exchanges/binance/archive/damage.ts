import { TicklakeError } from '#core/platform/errors.ts';

/** What can be wrong with a file of an archive; in an error's context as `damage`. */
export type Damage =
  | 'checksum-missing'
  | 'checksum-format'
  | 'checksum-name'
  | 'checksum-mismatch'
  | 'not-a-zip'
  | 'zip-truncated'
  | 'zip-unreadable'
  | 'zip-entries'
  | 'too-large'
  | 'csv-empty'
  | 'csv-columns'
  | 'csv-time';

const remedies: Readonly<Record<Damage, string>> = {
  'checksum-missing':
    'Fetch the .CHECKSUM file that stands beside the zip; without it nothing proves the zip whole.',
  'checksum-format': 'Fetch the .CHECKSUM file again; it must hold one line `<64 hex digits>  <zip name>`.',
  'checksum-name':
    'Fetch zip and .CHECKSUM again and keep their names; one of them was put in the wrong place.',
  'checksum-mismatch': 'Fetch zip and .CHECKSUM again; if they still differ, use REST for this period.',
  'not-a-zip': 'Fetch the file again; what was saved under its name may be an error page.',
  'zip-truncated': 'Fetch the file again; its end is missing.',
  'zip-unreadable': 'Fetch the file again; if it stays unreadable, use REST for this period.',
  'zip-entries': 'Fetch the file again; a zip of the archive holds exactly one CSV file.',
  'too-large': 'Raise the bound if the file is really so large; otherwise fetch it again.',
  'csv-empty': 'Use REST for this period, or leave the file out.',
  'csv-columns': "Compare the file with the archive's description; it may belong to another kind or market.",
  'csv-time': 'Compare the file with the REST answer for the same time; use REST for this period.',
};

/** DATA_CORRUPT with the place (file, entry or line) in the message, what is wrong in `context.damage`, and a remedy. */
export function damaged(
  damage: Damage,
  place: string,
  what: string,
  more: { line?: number; cause?: unknown } = {},
): TicklakeError {
  const { line, cause } = more;
  const where = line === undefined ? place : `${place} line ${line}`;
  return new TicklakeError('DATA_CORRUPT', `${where}: ${what}`, {
    remedy: remedies[damage],
    context: { damage, place, ...(line === undefined ? {} : { line }) },
    ...(cause === undefined ? {} : { cause }),
  });
}

/** NOT_FOUND: the archive has no such file. */
export function absent(place: string, cause?: unknown): TicklakeError {
  return new TicklakeError('NOT_FOUND', `the archive has no ${place}`, {
    remedy: 'Use REST for this period, or try again when the archive has published it.',
    context: { place },
    ...(cause === undefined ? {} : { cause }),
  });
}
