import { IcebergError, type IcebergErrorCode } from '#core/iceberg/errors.ts';
import { applyUpdates, logPreviousMetadata, type Update } from '#core/iceberg/updates.ts';
import { TicklakeError, type ErrorCode } from '#core/platform/errors.ts';
import type { Transaction } from '#core/platform/postgres/database.ts';
import { movePointer, writeMetadata, type TableVersion } from './catalog.ts';
import type { Lake } from './lake.ts';
import type { LakeTable } from './tables.ts';

const codes: Partial<Record<IcebergErrorCode, ErrorCode>> = {
  INVALID_ARGUMENT: 'BAD_REQUEST',
  NOT_FOUND: 'NOT_FOUND',
  CONFLICT: 'CONFLICT',
};

/**
 * Changes a table's metadata alone (tags, rollback, expiry), no files: `plan` says how from the base. The caller holds the
 * table's lock.
 * @throws BAD_REQUEST, NOT_FOUND or CONFLICT for what the format refuses, COMMIT_CONFLICT when an outsider was first.
 */
export async function changeMetadata(
  lake: Lake,
  tx: Transaction,
  table: LakeTable,
  { metadata, metadataLocation }: TableVersion,
  plan: () => readonly Update[],
): Promise<void> {
  const updatedMs = metadata['last-updated-ms'];
  const changed = logPreviousMetadata(
    applyUpdates(metadata, planned(plan), Math.max(Date.now(), updatedMs + 1)),
    { location: metadataLocation, updatedMs },
  );
  await movePointer(lake, tx, table, metadataLocation, await writeMetadata(lake, changed, metadataLocation));
}

function planned(plan: () => readonly Update[]): readonly Update[] {
  try {
    return plan();
  } catch (error) {
    const code = error instanceof IcebergError ? codes[error.code] : undefined;
    if (!(error instanceof IcebergError) || code === undefined) throw error;
    throw new TicklakeError(code, error.message, { cause: error, remedy: error.remedy });
  }
}
