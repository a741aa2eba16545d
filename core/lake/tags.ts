import { dropRef, setTag } from '#core/iceberg/refs.ts';
import type { Long } from '#core/iceberg/types.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { snapshotAsOf } from './as-of.ts';
import { currentSnapshotId, jsonId, loadTable, lockTable } from './catalog.ts';
import { changeMetadata } from './change-metadata.ts';
import type { Lake } from './lake.ts';
import { tableId, type LakeTable } from './tables.ts';

export interface TagOptions {
  /** A snapshot's id, a tag or a time; default the newest snapshot. */
  asOf?: string;
  /** Moves a tag that is there already. */
  replace?: boolean;
}

const namePattern = /^[A-Za-z][A-Za-z0-9._-]{0,99}$/;

/**
 * Names a snapshot, which expiry then keeps and `--as-of` reads. Answers the snapshot's id.
 * @throws BAD_REQUEST for a name that could be a time or an id, NOT_FOUND, CONFLICT when the name is taken.
 */
export async function tagSnapshot(
  lake: Lake,
  table: LakeTable,
  name: string,
  { asOf, replace = false }: TagOptions = {},
): Promise<number | string> {
  if (!namePattern.test(name)) {
    throw new TicklakeError('BAD_REQUEST', `${name} is no name for a tag`, {
      remedy: 'Begin with a letter; up to 100 letters, digits, dots, dashes and underscores.',
    });
  }
  return await lake.database.transaction(async (tx) => {
    await lockTable(tx, tableId(table));
    const base = await loadTable(lake, table, tx);
    const snapshotId =
      asOf === undefined ? currentSnapshotId(base.metadata) : snapshotAsOf(base.metadata, asOf);
    if (snapshotId === undefined || snapshotId === null) throw noSnapshotOf(table, asOf);
    await changeMetadata(lake, tx, table, base, () => [setTag(base.metadata, name, snapshotId, { replace })]);
    return jsonId(snapshotId);
  });
}

/** Drops a tag; its snapshot stays until it expires. @throws NOT_FOUND */
export async function dropTag(lake: Lake, table: LakeTable, name: string): Promise<void> {
  await lake.database.transaction(async (tx) => {
    await lockTable(tx, tableId(table));
    const base = await loadTable(lake, table, tx);
    await changeMetadata(lake, tx, table, base, () => [dropRef(base.metadata, name)]);
  });
}

export interface TagFacts {
  name: string;
  snapshotId: number | string;
}

export async function listTags(lake: Lake, table: LakeTable): Promise<TagFacts[]> {
  const { metadata } = await loadTable(lake, table);
  return Object.entries(metadata.refs)
    .filter(([, ref]) => ref.type === 'tag')
    .map(([name, ref]) => ({ name, snapshotId: jsonId(ref['snapshot-id'] satisfies Long) }));
}

export function noSnapshotOf(table: LakeTable, asOf: string | undefined): TicklakeError {
  const what = asOf === undefined ? 'no snapshot yet' : `no snapshot as of ${asOf}`;
  return new TicklakeError('NOT_FOUND', `${tableId(table)} has ${what}`, {
    remedy: `\`ticklake lake snapshots ${tableId(table)}\` lists them.`,
  });
}
