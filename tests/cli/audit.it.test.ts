import { createPublicKey } from 'node:crypto';
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { Metrics } from '#core/platform/metrics.ts';
import { auditPlaces } from '#core/trading/audit-places.ts';
import { chainHash, genesis } from '#core/trading/codec.ts';
import { openAuditKey, openHeadSigner } from '#core/trading/signed-heads.ts';
import { openTradingWriter } from '#core/trading/writer.ts';
import { nowUs, openPortfolio, placement, surroundings } from '#tests/core/trading/support.ts';
import { openGround } from './ground.ts';
import { runCli } from './support.ts';

interface Line {
  portfolioId: string;
  number: number;
  text: string;
  hash: string;
}

interface Verdict {
  portfolioId: string;
  events: number;
  signedTo: number | null;
  ok: boolean;
  fault: { number: number } | null;
}

/** More than are read at a time. */
const orders = 1_100;

describe('the events of trading, verified from a file without Postgres', { timeout: 120_000 }, () => {
  let folder: string;
  let exported: string;
  let asOf: string;
  let lines: Line[] = [];
  let path: string;
  const ids: string[] = [];

  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'ticklake-audit-'));
    const ground = await openGround();
    try {
      const writer = openTradingWriter({ database: ground.owner, surroundings, metrics: new Metrics() });
      for (const count of [orders, 3]) {
        const id = await openPortfolio(writer, { USDT: '1000000' });
        await Promise.all(Array.from({ length: count }, () => writer.submit(placement(id))));
        ids.push(id);
      }
      ids.sort();
      const { keyFile } = auditPlaces(ground.dataDir);
      const key = await openAuditKey(keyFile);
      const signer = await openHeadSigner(join(folder, 'heads'), key);
      await signer.sign(ground.owner, nowUs());
      await writeFile(
        join(folder, 'public.pem'),
        createPublicKey(key).export({ type: 'spki', format: 'pem' }),
      );
      const file = join(folder, 'events.jsonl');
      const { code, value } = await ground.ticklake('audit', 'export', '--to', file);
      expect(code).toBe(0);
      expect(value).toMatchObject({ file, portfolios: 2, events: orders + 3 + 4 });
      ({ asOf } = value as { asOf: string });
      expect((await stat(file)).mode & 0o777).toBe(0o600);
      const single = await ground.ticklake(
        'audit',
        'export',
        ids[0] ?? '',
        '--to',
        join(folder, 'one.jsonl'),
      );
      expect(single.value).toMatchObject({ portfolios: 1 });
      const nowhere = await ground.ticklake(
        'audit',
        'export',
        '--to',
        join(folder, 'nowhere', 'events.jsonl'),
      );
      expect(nowhere.value).toMatchObject({ error: { code: 'NOT_FOUND' } });
      await writer.submit(placement(ids[0] ?? ''));
      await signer.sign(ground.owner, nowUs());
      await writer.close();
      exported = await readFile(file, 'utf8');
    } finally {
      await ground.close();
    }
  }, 120_000);
  afterAll(async () => await rm(folder, { recursive: true, force: true }));

  beforeEach(() => {
    path = join(folder, 'copy.jsonl');
    lines = exported
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as Line);
  });

  /** On a machine that has nothing of it but the file, the heads and the public key. */
  async function verify(...argv: string[]) {
    const env = {
      TICKLAKE_DATABASE_URL: 'postgresql://nobody@127.0.0.1:1/none',
      TICKLAKE_DATA_DIR: join(folder, 'none'),
    };
    const ran = await runCli(['audit', 'verify', '--from', path, '--json', ...argv], env);
    return {
      code: ran.code,
      value: JSON.parse(ran.stdout) as Verdict[] & { error?: { code: string } },
    };
  }

  const withHeads = (): string[] => [
    ...['--heads', join(folder, 'heads'), '--key', join(folder, 'public.pem'), '--until', asOf],
  ];
  const faults = (verdicts: readonly Verdict[]) =>
    verdicts.flatMap(({ portfolioId, fault }) => (fault === null ? [] : [[portfolioId, fault.number]]));
  const write = async (written: readonly Line[]): Promise<void> =>
    await writeFile(path, written.map((line) => `${JSON.stringify(line)}\n`).join(''));
  const [first, second] = [() => ids[0] ?? '', () => ids[1] ?? ''];
  const countOf = (id: string): number => lines.filter(({ portfolioId }) => portfolioId === id).length;

  it('whole, all of it or one portfolio', async () => {
    await writeFile(path, exported);
    const all = await verify(...withHeads());
    expect(all.code).toBe(0);
    expect(all.value).toMatchObject(
      ids.map((portfolioId) => ({
        portfolioId,
        events: countOf(portfolioId),
        ok: true,
        signedTo: countOf(portfolioId),
      })),
    );
    expect(await verify()).toMatchObject({ code: 0, value: [{ signedTo: null }, { signedTo: null }] });
    path = join(folder, 'one.jsonl');
    expect(await verify(first(), ...withHeads())).toMatchObject({ code: 0, value: [{ ok: true }] });
    // All of what was signed is wanted, unless one is named.
    expect(faults((await verify(...withHeads())).value)).toEqual([[second(), 1]]);
    expect((await verify(second())).value.error?.code).toBe('NOT_FOUND');
  });

  it('cut: in the middle by its numbers, at the end by a head that was signed', async () => {
    await write(lines.toSpliced(1, 1));
    expect(faults((await verify()).value)).toEqual([[first(), 2]]);
    await write(lines.slice(0, -1));
    expect((await verify()).code).toBe(0);
    const { code, value } = await verify(...withHeads());
    expect(code).toBe(1);
    expect(faults(value)).toEqual([[second(), countOf(second())]]);
    await write(lines.filter(({ portfolioId }) => portfolioId === first()));
    expect(faults((await verify(...withHeads())).value)).toEqual([[second(), 1]]);
    await writeFile(path, exported.slice(0, -10));
    expect((await verify()).value.error?.code).toBe('DATA_CORRUPT');
  });

  it('edited, or put in another order', async () => {
    await write(
      lines.map((line) =>
        line.number === 2 ? { ...line, text: line.text.replace('"1000000"', '"9000000"') } : line,
      ),
    );
    expect(faults((await verify()).value)).toEqual([
      [first(), 2],
      [second(), 2],
    ]);
    const [one, two, ...rest] = lines;
    await write([two, one, ...rest].flatMap((line) => line ?? []));
    expect(faults((await verify()).value)).toEqual([[first(), 1]]);
    await write([...lines, ...lines.slice(0, 2)]);
    expect(faults((await verify()).value)).toEqual([[first(), 1]]);
  });

  it('written anew as a whole, hashes and all: by the heads that were signed', async () => {
    let hash: Buffer = genesis;
    const rewritten = lines.map((line) => {
      if (line.portfolioId !== first()) return line;
      if (line.number === 1) hash = genesis;
      const text = line.text.replace('"1000000"', '"9000000"');
      hash = chainHash(hash, text);
      return { ...line, text, hash: hash.toString('hex') };
    });
    await write(rewritten);
    expect((await verify()).code).toBe(0);
    expect(faults((await verify(...withHeads())).value)).toEqual([[first(), countOf(first())]]);
  });

  it('older than the newest heads: they say so, unless only those up to then count', async () => {
    await writeFile(path, exported);
    const all = await verify(...withHeads().slice(0, 4));
    expect(faults(all.value)).toEqual([[first(), countOf(first()) + 1]]);
  });

  it('names what is not there', async () => {
    path = join(folder, 'nowhere.jsonl');
    expect((await verify()).value.error?.code).toBe('NOT_FOUND');
    path = join(folder, 'empty.jsonl');
    await writeFile(path, '');
    expect((await verify()).value.error?.code).toBe('NOT_FOUND');
    await writeFile(path, exported);
    expect((await verify('--heads', join(folder, 'nowhere'))).value.error?.code).toBe('NOT_FOUND');
    expect((await verify('--heads', join(folder, 'heads'))).value.error?.code).toBe('NOT_FOUND');
  });
});
