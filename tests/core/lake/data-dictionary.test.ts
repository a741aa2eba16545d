import { join } from 'node:path';
import { expect, it } from 'vitest';
import { dataDictionary } from '#core/lake/data-dictionary.ts';
import { columnNamed, lakeTables, tableId } from '#core/lake/tables.ts';

const page = join(import.meta.dirname, '..', '..', '..', 'docs', 'data-dictionary.md');

it('docs/data-dictionary.md is what the tables say (vitest -u)', async () => {
  await expect(dataDictionary()).toMatchFileSnapshot(page);
});

it('describes every table and every column', () => {
  const text = dataDictionary();
  for (const table of lakeTables) {
    expect(text).toMatch(new RegExp(`^## ${tableId(table)}\n\n[A-Z].{20}`, 'm'));
    for (const { name } of table.columns) {
      expect(columnNamed(table, name).doc, `${tableId(table)}.${name}`).toMatch(/^.{4}/);
      expect(text).toContain(`| ${name} |`);
    }
  }
});
