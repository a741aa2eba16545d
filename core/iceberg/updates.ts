import { IcebergError } from './errors.ts';
import { findSnapshot, noSnapshot } from './metadata.ts';
import { maxFieldId, schemaById } from './schema.ts';
import type {
  Long,
  PartitionSpec,
  Schema,
  Snapshot,
  SnapshotRef,
  SortOrder,
  TableMetadata,
} from './types.ts';
import { specById } from './partition.ts';

/** One change of a table's metadata, in the words of the REST catalog's specification. -1 names what was added last. */
export type Update =
  | { action: 'assign-uuid'; uuid: string }
  | { action: 'set-location'; location: string }
  | { action: 'set-properties'; updates: Record<string, string> }
  | { action: 'remove-properties'; removals: string[] }
  | { action: 'add-schema'; schema: Schema }
  | { action: 'set-current-schema'; 'schema-id': number }
  | { action: 'add-spec'; spec: PartitionSpec }
  | { action: 'set-default-spec'; 'spec-id': number }
  | { action: 'add-sort-order'; 'sort-order': SortOrder }
  | { action: 'set-default-sort-order'; 'sort-order-id': number }
  | { action: 'add-snapshot'; snapshot: Snapshot }
  | ({ action: 'set-snapshot-ref'; 'ref-name': string } & SnapshotRef)
  | { action: 'remove-snapshot-ref'; 'ref-name': string }
  | { action: 'remove-snapshots'; 'snapshot-ids': Long[] };

/**
 * The metadata after the updates, in order; the metadata given is not touched.
 *
 * @param timestampMs when the change is made; the result is never older than its base.
 */
export function applyUpdates(
  metadata: TableMetadata,
  updates: readonly Update[],
  timestampMs: number,
): TableMetadata {
  const updatedMs = Math.max(timestampMs, metadata['last-updated-ms']);
  return updates.reduce((state, update) => applyUpdate(state, update, updatedMs), {
    ...metadata,
    'last-updated-ms': updatedMs,
  });
}

function applyUpdate(metadata: TableMetadata, update: Update, updatedMs: number): TableMetadata {
  switch (update.action) {
    case 'assign-uuid':
      return { ...metadata, 'table-uuid': update.uuid };
    case 'set-location':
      return { ...metadata, location: update.location };
    case 'set-properties':
      return { ...metadata, properties: { ...metadata.properties, ...update.updates } };
    case 'remove-properties':
      return {
        ...metadata,
        properties: Object.fromEntries(
          Object.entries(metadata.properties).filter(([key]) => !update.removals.includes(key)),
        ),
      };
    case 'add-schema':
      return {
        ...metadata,
        schemas: [...metadata.schemas, update.schema],
        'last-column-id': Math.max(metadata['last-column-id'], maxFieldId(update.schema.fields)),
      };
    case 'set-current-schema': {
      const id = update['schema-id'] === -1 ? metadata.schemas.at(-1)?.['schema-id'] : update['schema-id'];
      return { ...metadata, 'current-schema-id': schemaById(metadata, id ?? -1)['schema-id'] };
    }
    case 'add-spec':
      return {
        ...metadata,
        'partition-specs': [...metadata['partition-specs'], update.spec],
        'last-partition-id': Math.max(
          metadata['last-partition-id'],
          ...update.spec.fields.map((field) => field['field-id']),
        ),
      };
    case 'set-default-spec': {
      const id =
        update['spec-id'] === -1 ? metadata['partition-specs'].at(-1)?.['spec-id'] : update['spec-id'];
      return { ...metadata, 'default-spec-id': specById(metadata, id ?? -1)['spec-id'] };
    }
    case 'add-sort-order':
      return { ...metadata, 'sort-orders': [...metadata['sort-orders'], update['sort-order']] };
    case 'set-default-sort-order': {
      const id =
        update['sort-order-id'] === -1
          ? metadata['sort-orders'].at(-1)?.['order-id']
          : update['sort-order-id'];
      return { ...metadata, 'default-sort-order-id': id ?? 0 };
    }
    case 'add-snapshot':
      return addSnapshot(metadata, update.snapshot);
    case 'set-snapshot-ref':
      return setRef(metadata, update, updatedMs);
    case 'remove-snapshot-ref': {
      const { [update['ref-name']]: removed, ...refs } = metadata.refs;
      const state = { ...metadata, refs };
      return update['ref-name'] === 'main' && removed !== undefined
        ? { ...state, 'current-snapshot-id': noSnapshot }
        : state;
    }
    case 'remove-snapshots':
      return removeSnapshots(metadata, new Set(update['snapshot-ids']));
  }
}

function addSnapshot(metadata: TableMetadata, snapshot: Snapshot): TableMetadata {
  if (snapshot['sequence-number'] <= metadata['last-sequence-number']) {
    throw conflict(
      `snapshot ${snapshot['snapshot-id']} has sequence number ${snapshot['sequence-number']}, ` +
        `the table is at ${metadata['last-sequence-number']}`,
    );
  }
  if (metadata.snapshots.some((other) => other['snapshot-id'] === snapshot['snapshot-id'])) {
    throw conflict(`snapshot ${snapshot['snapshot-id']} is in the table already`);
  }
  return {
    ...metadata,
    snapshots: [...metadata.snapshots, snapshot],
    'last-sequence-number': snapshot['sequence-number'],
    'last-updated-ms': Math.max(metadata['last-updated-ms'], snapshot['timestamp-ms']),
  };
}

function setRef(
  metadata: TableMetadata,
  update: Extract<Update, { action: 'set-snapshot-ref' }>,
  updatedMs: number,
): TableMetadata {
  const { 'ref-name': name, 'snapshot-id': snapshotId } = update;
  const ref = Object.fromEntries(
    Object.entries(update).filter(([key]) => key !== 'action' && key !== 'ref-name'),
  ) as unknown as SnapshotRef; // An update is a ref with these two keys beside it.
  findSnapshot(metadata, snapshotId);
  const state = { ...metadata, refs: { ...metadata.refs, [name]: ref } };
  if (name !== 'main' || metadata['current-snapshot-id'] === snapshotId) return state;
  return {
    ...state,
    'current-snapshot-id': snapshotId,
    'snapshot-log': [...metadata['snapshot-log'], { 'snapshot-id': snapshotId, 'timestamp-ms': updatedMs }],
  };
}

function removeSnapshots(metadata: TableMetadata, ids: ReadonlySet<Long>): TableMetadata {
  for (const [name, ref] of Object.entries(metadata.refs)) {
    if (ids.has(ref['snapshot-id'])) {
      throw conflict(`snapshot ${ref['snapshot-id']} is named by ${ref.type} ${name}`);
    }
  }
  // History before a snapshot that is gone cannot be followed any more: the log starts after it.
  const lastGone = metadata['snapshot-log'].findLastIndex((entry) => ids.has(entry['snapshot-id']));
  return {
    ...metadata,
    snapshots: metadata.snapshots.filter((snapshot) => !ids.has(snapshot['snapshot-id'])),
    'snapshot-log': metadata['snapshot-log'].slice(lastGone + 1),
    ...statisticsWithout(metadata, ids),
  };
}

function statisticsWithout(metadata: TableMetadata, ids: ReadonlySet<Long>): Partial<TableMetadata> {
  return Object.fromEntries(
    (['statistics', 'partition-statistics'] as const).flatMap((key) => {
      const files = metadata[key];
      return files === undefined ? [] : [[key, files.filter((file) => !ids.has(file['snapshot-id']))]];
    }),
  );
}

/** The metadata with its predecessor's file noted in the log, which keeps the newest `logMax` entries. */
export function logPreviousMetadata(
  metadata: TableMetadata,
  previous: { location: string; updatedMs: number },
  logMax = 100,
): TableMetadata {
  const entry = { 'metadata-file': previous.location, 'timestamp-ms': previous.updatedMs };
  return { ...metadata, 'metadata-log': [...metadata['metadata-log'], entry].slice(-logMax) };
}

function conflict(message: string): IcebergError {
  return new IcebergError(
    'CONFLICT',
    message,
    'Load the table again and rebuild the change on what it holds.',
  );
}
