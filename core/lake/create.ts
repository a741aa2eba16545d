import { ensureTables } from './catalog.ts';
import { openLake, type Lake, type LakeOptions } from './lake.ts';

/** The lake, with all tables of ours made where they are missing. Safe when several do it at once. */
export async function createLake(options: LakeOptions): Promise<Lake> {
  const lake = openLake(options);
  await ensureTables(lake);
  return lake;
}
