import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquirePostgres } from '#core/platform/postgres/embedded.ts';
import { databaseRoles, readState } from '#core/platform/postgres/state.ts';
import {
  codeOf,
  isAlive,
  keeperPid,
  logger,
  postmasterPid,
  startHolder,
  temporaryDataDir,
  untilStopped,
} from './support.ts';

describe('the embedded Postgres', { timeout: 120_000 }, () => {
  it('keeps data between runs, and leaves nothing running or lying about in between', async () => {
    const dir = await temporaryDataDir();
    const first = await startHolder(dir);
    await first.ask('create table kept as select 7 as answer');
    const state = await readState(dir);
    expect(existsSync(state?.socketDir ?? '')).toBe(true);
    expect(await first.letGo()).toBe(0);
    await untilStopped(dir);
    expect(await postmasterPid(dir)).toBeUndefined();
    expect(existsSync(state?.socketDir ?? '')).toBe(false);

    const second = await startHolder(dir);
    expect(await second.ask('select answer from kept')).toEqual({ rows: [{ answer: 7 }] });
    expect(await second.letGo()).toBe(0);
  });

  it('is shared by two holders and stops when the last lets go, not before', async () => {
    const dir = await temporaryDataDir({ made: true });
    const first = await startHolder(dir);
    const second = await startHolder(dir);
    const postmaster = (await postmasterPid(dir)) ?? 0;
    await first.ask('create table shared as select 1 as one');
    await first.letGo();
    // Longer than a keeper lingers once it is alone.
    await sleep(2_500);
    expect(await second.ask('select one from shared')).toEqual({ rows: [{ one: 1 }] });
    expect(await postmasterPid(dir)).toBe(postmaster);
    await second.letGo();
    await untilStopped(dir);
    expect(isAlive(postmaster)).toBe(false);
  });

  it('is one server for commands that start at the same instant', async () => {
    const dir = await temporaryDataDir();
    const holders = await Promise.all([1, 2, 3].map(() => startHolder(dir)));
    const answers = await Promise.all(
      holders.map((holder) =>
        holder.ask("select pg_postmaster_start_time()::text as at, current_setting('port') as port"),
      ),
    );
    expect(answers[0]?.rows).toHaveLength(1);
    expect(answers[1]).toEqual(answers[0]);
    expect(answers[2]).toEqual(answers[0]);
    await Promise.all(holders.map((holder) => holder.letGo()));
  });

  it('starts for a command that comes while the last server is stopping', async () => {
    const dir = await temporaryDataDir({ made: true });
    for (const pauseMs of [0, 900, 1_050, 1_200]) {
      const holder = await startHolder(dir);
      expect(await holder.ask('select 1 as one')).toEqual({ rows: [{ one: 1 }] });
      await holder.letGo();
      await sleep(pauseMs);
    }
  });

  it('has one keeper: a second one of the same data dir ends at once', async () => {
    const dir = await temporaryDataDir({ made: true });
    const holder = await startHolder(dir);
    const keeper = await keeperPid(dir);
    const program = fileURLToPath(new URL('../../../../core/platform/postgres/keeper.ts', import.meta.url));
    const { stdout } = await promisify(execFile)(process.execPath, [program, dir], { timeout: 30_000 });
    expect(stdout).toBe('');
    expect(await keeperPid(dir)).toBe(keeper);
    expect(await holder.ask('select 1 as one')).toEqual({ rows: [{ one: 1 }] });
    await holder.letGo();
  });

  it('is the same one under another name of the data dir', async () => {
    const dir = await temporaryDataDir({ made: true });
    const name = `${dir}-link`;
    await symlink(dir, name);
    onTestFinished(() => rm(name));
    const holder = await startHolder(dir);
    await holder.ask('create table named as select 3 as three');
    const other = await startHolder(name);
    expect(await other.ask('select three from named')).toEqual({ rows: [{ three: 3 }] });
    await other.letGo();
    await holder.letGo();
  });

  it('moves with its data dir', async () => {
    const dir = await temporaryDataDir({ made: true });
    const moved = join(await temporaryDataDir(), 'moved');
    const holder = await startHolder(dir);
    await holder.ask('create table moved as select 5 as five');
    await holder.letGo();
    await untilStopped(dir);
    await rename(dir, moved);
    const again = await startHolder(moved);
    expect(await again.ask('select five from moved')).toEqual({ rows: [{ five: 5 }] });
    await again.letGo();
    await untilStopped(moved);
    expect(existsSync(dir)).toBe(false);
  });

  it('keeps passwords from other users and out of every log', async () => {
    const dir = await temporaryDataDir();
    const holder = await startHolder(dir);
    await holder.ask('select nothing');
    await holder.letGo();
    await untilStopped(dir);
    expect((await stat(join(dir, 'postgres.json'))).mode & 0o777).toBe(0o600);
    expect((await stat(join(dir, 'postgres'))).mode & 0o077).toBe(0);
    const passwords = Object.values((await readState(dir))?.passwords ?? {});
    expect(passwords).toHaveLength(databaseRoles.length);
    expect(new Set(passwords).size).toBe(databaseRoles.length);
    const logs = await Promise.all(
      (await readdir(join(dir, 'logs'))).map((name) => readFile(join(dir, 'logs', name), 'utf8')),
    );
    const text = [...logs, holder.stderr()].join('\n');
    expect(text).toContain('column "nothing" does not exist');
    for (const password of passwords) expect(text).not.toContain(password);
  });

  it('says what is wrong with a data dir that cannot be one', async () => {
    const dir = await temporaryDataDir();
    const file = join(dir, 'file');
    await writeFile(file, '');
    expect(await codeOf(acquirePostgres(file, logger))).toBe('CONFIG_INVALID');
  });

  it.each([
    ['its key', 'postgres.json'],
    ['its database', 'postgres'],
  ])('makes nothing new in place of a data dir that lost %s', async (_what, name) => {
    const dir = await temporaryDataDir({ made: true });
    const holder = await startHolder(dir);
    await holder.letGo();
    await untilStopped(dir);
    await rename(join(dir, name), join(dir, 'elsewhere'));
    expect(await codeOf(acquirePostgres(dir, logger))).toBe('DATABASE_WRONG');
    await rename(join(dir, 'elsewhere'), join(dir, name));
    const again = await startHolder(dir);
    await again.letGo();
  });
});
