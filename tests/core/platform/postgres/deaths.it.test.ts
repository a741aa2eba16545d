import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { readState } from '#core/platform/postgres/state.ts';
import {
  isAlive,
  keeperPid,
  postmasterPid,
  startHolder,
  temporaryDataDir,
  untilGone,
  untilStopped,
  waiting,
} from './support.ts';

const keeperProgram = fileURLToPath(new URL('../../../../core/platform/postgres/keeper.ts', import.meta.url));

describe('the embedded Postgres under kill -9', { timeout: 120_000 }, () => {
  it('stays for the other holder when one is killed, and ends when none is left', async () => {
    const dir = await temporaryDataDir({ made: true });
    const [first, second] = [await startHolder(dir), await startHolder(dir)];
    await first.ask('create table remains as select 1 as one');
    const postmaster = (await postmasterPid(dir)) ?? 0;
    await first.kill();
    expect(await second.ask('select one from remains')).toEqual({ rows: [{ one: 1 }] });
    await second.kill();
    await untilStopped(dir);
    expect(isAlive(postmaster)).toBe(false);
  });

  it('is started again when its postmaster is killed; its holders recover by themselves', async () => {
    const dir = await temporaryDataDir({ made: true });
    const holders = [await startHolder(dir), await startHolder(dir)];
    await holders[0]?.ask('create table survived as select 11 as eleven');
    const killed = (await postmasterPid(dir)) ?? 0;
    process.kill(killed, 'SIGKILL');
    await untilGone(killed);
    for (const holder of holders) {
      const { rows, codes } = await holder.askUntilAnswered('select eleven from survived');
      expect(rows).toEqual([{ eleven: 11 }]);
      expect(codes.filter((code) => code !== 'DATABASE_UNREACHABLE')).toEqual([]);
    }
    expect(await postmasterPid(dir)).not.toBe(killed);
    for (const holder of holders) expect(await holder.letGo()).toBe(0);
  });

  it('answers its holders also when somebody took its port meanwhile', async () => {
    const dir = await temporaryDataDir({ made: true });
    const holder = await startHolder(dir);
    const port = (await readState(dir))?.port ?? 0;
    process.kill((await postmasterPid(dir)) ?? 0, 'SIGKILL');
    await takePort(port);
    const { rows } = await holder.askUntilAnswered(`select current_setting('port')::integer as port`);
    expect(rows[0]?.['port']).not.toBe(port);
    expect((await readState(dir))?.port).toBe(rows[0]?.['port']);
    expect(await holder.letGo()).toBe(0);
  });

  it('is ended and recovered by another keeper when its own is killed; the holders go on', async () => {
    const dir = await temporaryDataDir({ made: true });
    const holders = [await startHolder(dir), await startHolder(dir)];
    await holders[0]?.ask('create table orphaned as select 13 as thirteen');
    const keeper = await keeperPid(dir);
    const orphan = (await postmasterPid(dir)) ?? 0;
    process.kill(keeper, 'SIGKILL');
    await untilGone(orphan);
    for (const holder of holders) {
      const { rows, codes } = await holder.askUntilAnswered('select thirteen from orphaned');
      expect(rows).toEqual([{ thirteen: 13 }]);
      expect(codes.filter((code) => code !== 'DATABASE_UNREACHABLE')).toEqual([]);
    }
    expect(await keeperPid(dir)).not.toBe(keeper);
    for (const holder of holders) {
      expect(await holder.letGo()).toBe(0);
      expect(holder.stderr()).toContain('the keeper of the embedded Postgres is gone');
    }
  });

  it('starts for the next command after everything was killed at once', async () => {
    const dir = await temporaryDataDir({ made: true });
    const holder = await startHolder(dir);
    await holder.ask('create table everything as select 17 as seventeen');
    const [keeper, postmaster] = [await keeperPid(dir), (await postmasterPid(dir)) ?? 0];
    for (const pid of [holder.pid, keeper, postmaster]) process.kill(pid, 'SIGKILL');
    const next = await startHolder(dir);
    expect(await next.ask('select seventeen from everything')).toEqual({ rows: [{ seventeen: 17 }] });
    expect(await next.letGo()).toBe(0);
  });

  it('is made anew when its maker was killed while making it', async () => {
    const dir = await temporaryDataDir();
    const maker = spawn(process.execPath, [keeperProgram, dir], { stdio: 'ignore' });
    onTestFinished(() => void maker.kill('SIGKILL'));
    await vi.waitFor(
      async () => {
        const names = await readdir(dir);
        const draft = names.find((name) => name.startsWith('postgres.new-'));
        expect(await readdir(join(dir, draft ?? 'none'))).toContain('PG_VERSION');
      },
      { ...waiting, interval: 5 },
    );
    expect(await readdir(dir)).not.toContain('postgres');
    const gone = once(maker, 'exit');
    maker.kill('SIGKILL');
    await gone;
    const holder = await startHolder(dir);
    expect(await holder.ask('select 1 as one')).toEqual({ rows: [{ one: 1 }] });
    expect((await readdir(dir)).filter((name) => name.startsWith('postgres.new'))).toEqual([]);
    expect(await holder.letGo()).toBe(0);
  });

  it('ends in order when its keeper is told to end', async () => {
    const dir = await temporaryDataDir();
    const maker = spawn(process.execPath, [keeperProgram, dir], { stdio: 'ignore' });
    onTestFinished(() => void maker.kill('SIGKILL'));
    const gone = once(maker, 'exit');
    const postmaster = await vi.waitFor(async () => {
      const pid = await postmasterPid(dir);
      if (pid === undefined) throw new Error('no server yet');
      return pid;
    }, waiting);
    maker.kill('SIGTERM');
    expect(await gone).toEqual([0, null]);
    expect(isAlive(postmaster)).toBe(false);
  });
});

async function takePort(port: number): Promise<Server> {
  const server = createServer();
  await vi.waitFor(
    async () => {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
    },
    { ...waiting, interval: 1 },
  );
  onTestFinished(() => void server.close());
  return server;
}
