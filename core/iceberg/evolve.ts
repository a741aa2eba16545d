/** Schema changes that need no file rewritten (https://iceberg.apache.org/spec/#schema-evolution). */
import { IcebergError } from './errors.ts';
import { columnByName, currentSchema, parsePrimitive } from './schema.ts';
import type { Schema, SchemaField, TableMetadata, Type } from './types.ts';
import type { Update } from './updates.ts';

export type ColumnPlace = 'first' | 'last' | { before: string } | { after: string };

/** A change of the top-level columns, by their names as the changes before it left them. */
export type SchemaChange =
  /** An optional column, null in the rows there are. Field ids inside a nested type are given anew. */
  | { change: 'add'; name: string; type: Type; doc?: string; to?: ColumnPlace }
  | { change: 'drop'; name: string }
  | { change: 'rename'; name: string; newName: string }
  /** int to long, float to double, or a decimal to more digits before the point. */
  | { change: 'widen'; name: string; type: string }
  | { change: 'make-optional'; name: string }
  | { change: 'move'; name: string; to: ColumnPlace }
  | { change: 'describe'; name: string; doc: string };

const keepRemedy = 'Keep the column, or make a table of another design and copy the rows.';

interface State {
  metadata: TableMetadata;
  fields: SchemaField[];
  lastColumnId: number;
}

/**
 * The updates that make the changed schema the current one: a new schema with a new id, or an earlier one that is the
 * same, or none if nothing changes. Columns keep their field ids, by which files written before are read on; the id of
 * a column that was dropped is never used again.
 *
 * @throws NOT_FOUND for a column that is not there, CONFLICT for a name that is taken, INVALID_ARGUMENT for a change
 *   that would make rows or partitions unreadable.
 */
export function evolveSchema(metadata: TableMetadata, changes: readonly SchemaChange[]): Update[] {
  const current = currentSchema(metadata);
  const initial: State = { metadata, fields: current.fields, lastColumnId: metadata['last-column-id'] };
  const { fields } = changes.reduce(applyChange, initial);
  const isSame = (schema: Schema): boolean =>
    JSON.stringify(schema.fields) === JSON.stringify(fields) &&
    JSON.stringify(schema['identifier-field-ids'] ?? []) ===
      JSON.stringify(current['identifier-field-ids'] ?? []);
  if (isSame(current)) return [];
  const earlier = metadata.schemas.find(isSame);
  const schemaId =
    earlier?.['schema-id'] ?? Math.max(...metadata.schemas.map((schema) => schema['schema-id'])) + 1;
  return [
    ...(earlier === undefined
      ? [{ action: 'add-schema' as const, schema: { ...current, fields, 'schema-id': schemaId } }]
      : []),
    { action: 'set-current-schema', 'schema-id': schemaId },
  ];
}

function applyChange(state: State, change: SchemaChange): State {
  if (change.change === 'add') return addColumn(state, change);
  const column = columnNamed(state, change.name);
  const put = (changed: SchemaField): State => ({
    ...state,
    fields: state.fields.map((field) => (field === column ? changed : field)),
  });
  switch (change.change) {
    case 'drop':
      assertUnused(state.metadata, column);
      return { ...state, fields: state.fields.filter((field) => field !== column) };
    case 'rename':
      if (change.newName === change.name) return state;
      assertFree(state, change.newName);
      return put({ ...column, name: change.newName });
    case 'widen':
      assertWidens(column, change.type);
      return put({ ...column, type: change.type });
    case 'make-optional':
      if (currentSchema(state.metadata)['identifier-field-ids']?.includes(column.id) === true) {
        throw refused(`column ${column.name} identifies rows and cannot be null`, keepRemedy);
      }
      return put({ ...column, required: false });
    case 'describe':
      return put({ ...column, doc: change.doc });
    case 'move':
      return place({ ...state, fields: state.fields.filter((field) => field !== column) }, column, change.to);
  }
}

function addColumn(state: State, { name, type, doc, to }: Extract<SchemaChange, { change: 'add' }>): State {
  assertFree(state, name);
  let lastColumnId = state.lastColumnId;
  const nextId = (): number => (lastColumnId += 1);
  const column: SchemaField = {
    id: nextId(),
    name,
    required: false,
    type: withFreshIds(type, nextId),
    ...(doc === undefined ? {} : { doc }),
  };
  return place({ ...state, lastColumnId }, column, to ?? 'last');
}

function place(state: State, column: SchemaField, to: ColumnPlace): State {
  const at = (): number => {
    if (to === 'first') return 0;
    if (to === 'last') return state.fields.length;
    const neighbour = columnNamed(state, 'before' in to ? to.before : to.after);
    return state.fields.indexOf(neighbour) + ('before' in to ? 0 : 1);
  };
  return { ...state, fields: state.fields.toSpliced(at(), 0, column) };
}

/** The type with ids for the fields inside it; a level's own before those below, as Java's implementation gives them. */
function withFreshIds(type: Type, nextId: () => number): Type {
  if (typeof type === 'string') {
    parsePrimitive(type);
    return type;
  }
  switch (type.type) {
    case 'struct': {
      const fields = type.fields.map((field) => ({ ...field, id: nextId() }));
      return {
        ...type,
        fields: fields.map((field) => ({ ...field, type: withFreshIds(field.type, nextId) })),
      };
    }
    case 'list': {
      const list = { ...type, 'element-id': nextId() };
      return { ...list, element: withFreshIds(type.element, nextId) };
    }
    case 'map': {
      const map = { ...type, 'key-id': nextId(), 'value-id': nextId() };
      return { ...map, key: withFreshIds(type.key, nextId), value: withFreshIds(type.value, nextId) };
    }
  }
}

function columnNamed(state: State, name: string): SchemaField {
  const column = columnByName({ type: 'struct', 'schema-id': 0, fields: state.fields }, name);
  if (column !== undefined) return column;
  throw new IcebergError(
    'NOT_FOUND',
    `the table has no column ${name}`,
    `Name one of: ${state.fields.map((field) => field.name).join(', ')}.`,
  );
}

function assertFree(state: State, name: string): void {
  if (name === '') throw refused('a column needs a name', 'Give it one.');
  if (!state.fields.some((field) => field.name === name)) return;
  throw new IcebergError('CONFLICT', `the table has a column ${name}`, 'Choose another name.');
}

/** Specs of the past count too: their partitions are read by their source column. */
function assertUnused(metadata: TableMetadata, { id, name }: SchemaField): void {
  const specs = metadata['partition-specs'];
  const orders = metadata['sort-orders'];
  const partitions = specs.some(({ fields }) =>
    fields.some((field) => field['source-id'] === id && field.transform !== 'void'),
  );
  if (partitions) throw refused(`column ${name} partitions the table and cannot be dropped`, keepRemedy);
  const order = orders.find((candidate) => candidate['order-id'] === metadata['default-sort-order-id']);
  if (order?.fields.some((field) => field['source-id'] === id) === true) {
    throw refused(`column ${name} sorts the table and cannot be dropped`, keepRemedy);
  }
  if (currentSchema(metadata)['identifier-field-ids']?.includes(id) === true) {
    throw refused(`column ${name} identifies rows and cannot be dropped`, keepRemedy);
  }
}

function assertWidens(column: SchemaField, type: string): void {
  if (column.type === type) return;
  if (typeof column.type === 'string') {
    const [from, to] = [parsePrimitive(column.type), parsePrimitive(type)];
    if (from.kind === 'int' && to.kind === 'long') return;
    if (from.kind === 'float' && to.kind === 'double') return;
    if (
      from.kind === 'decimal' &&
      to.kind === 'decimal' &&
      from.scale === to.scale &&
      from.precision <= to.precision &&
      to.precision <= 38
    )
      return;
  }
  throw refused(
    `column ${column.name} of type ${typeof column.type === 'string' ? column.type : column.type.type} cannot become ${type}`,
    'Widen int to long, float to double, decimals to more digits; for anything else add a column and fill it.',
  );
}

function refused(message: string, remedy: string): IcebergError {
  return new IcebergError('INVALID_ARGUMENT', message, remedy);
}
