import { readdir, readFile } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { expect, it } from 'vitest';
import { parse } from 'yaml';
import { featureTables } from '#core/lake/feature-tables.ts';
import { tableId, type ColumnType } from '#core/lake/tables.ts';
import { transformsDir } from '#pipelines/run-transforms/project.ts';

interface Contract {
  name: string;
  config: { contract?: { enforced: boolean } };
  columns: { name: string; data_type: string; data_tests?: unknown[] }[];
}

const dbtTypes: Partial<Record<ColumnType, string>> = {
  ...{ string: 'varchar', long: 'bigint', double: 'double', boolean: 'boolean', date: 'date' },
  timestamptz: 'timestamp with time zone',
};

async function contracts(): Promise<Map<string, Contract>> {
  const folder = join(transformsDir, 'models', 'marts');
  const files = (await readdir(folder, { recursive: true })).filter((path) => path.endsWith('.yml'));
  const found = new Map<string, Contract>();
  for (const path of files) {
    const { models } = parse(await readFile(join(folder, path), 'utf8')) as { models: Contract[] };
    for (const model of models) found.set(model.name, model);
    expect(models.map(({ name }) => name)).toContain(basename(path, '.yml'));
  }
  return found;
}

it.each(featureTables.map((table) => [tableId(table), table] as const))(
  '%s has the columns of its model’s contract, and requires what the model tests to be there',
  async (_name, table) => {
    const contract = (await contracts()).get(table.name);
    expect(contract?.config.contract).toEqual({ enforced: true });
    const types = new Map(contract?.columns.map(({ name, data_type: type }) => [name, type]));
    expect(types).toEqual(new Map(table.columns.map(({ name, type }) => [name, dbtTypes[type]])));
    const tested = contract?.columns
      .filter(({ data_tests: tests }) => tests?.includes('not_null'))
      .map(({ name }) => name);
    for (const { name, required } of table.columns) if (required) expect(tested).toContain(name);
  },
);
