/** What went wrong with a table, as a closed set. */
export type IcebergErrorCode =
  /** The caller passed something that cannot be written. */
  | 'INVALID_ARGUMENT'
  /** A file does not hold what its format promises. */
  | 'MALFORMED'
  /** A valid file or table uses a feature this library does not speak. */
  | 'UNSUPPORTED'
  /** A snapshot, schema, spec or column that was asked for is not in the metadata. */
  | 'NOT_FOUND'
  /** An update or requirement does not fit the metadata it was applied to. */
  | 'CONFLICT';

/** The one error this library throws; the remedy says what the reader can do about it. */
export class IcebergError extends Error {
  readonly code: IcebergErrorCode;
  readonly remedy: string;

  constructor(code: IcebergErrorCode, message: string, remedy: string, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'IcebergError';
    this.code = code;
    this.remedy = remedy;
  }
}
