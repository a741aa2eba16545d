import type { ArchiveFile, ArchiveSeries } from './layout.ts';

/** A span of time, microseconds since 1970 UTC, half-open. */
export interface Span {
  fromUs: number;
  toUs: number;
}

/** A zip on this machine, and what its bytes hash to. */
export interface HeldZip {
  path: string;
  sha256: string;
  bytes: number;
  /** Whether it was made for this call, and is to be removed after it. */
  isTemporary: boolean;
}

/** Where the files of an archive are: a folder, or behind HTTP. */
export interface ArchiveStore {
  /** The folder or the URL, for messages. */
  readonly place: string;
  /** The series the archive holds. Throws BAD_REQUEST where a place cannot list them. */
  series(): Promise<ArchiveSeries[]>;
  /** The time the files of a series span, where the place can tell. */
  extent(series: ArchiveSeries): Promise<Span | undefined>;
  exists(file: ArchiveFile, signal?: AbortSignal): Promise<boolean>;
  /** Text of the `.CHECKSUM` file. Throws DATA_CORRUPT (`checksum-missing`), NOT_FOUND where the zip is missing too. */
  checksum(file: ArchiveFile, signal?: AbortSignal): Promise<string>;
  /** The zip, on this machine; `folder` is for temporary files. Throws NOT_FOUND. */
  zip(file: ArchiveFile, folder: string, signal?: AbortSignal): Promise<HeldZip>;
}
