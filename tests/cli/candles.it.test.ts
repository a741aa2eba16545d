import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { day, put } from '#tests/core/exchanges/binance/archive/support.ts';
import { runCli } from './support.ts';

let dataDir: string;
let archive: string;

beforeAll(async () => {
  dataDir = await mkdtemp(join(tmpdir(), 'ticklake-cli-'));
  await chmod(dataDir, 0o755);
  archive = join(dataDir, 'archive');
});
afterAll(async () => {
  await rm(dataDir, { recursive: true, force: true, maxRetries: 20, retryDelay: 500 });
});

async function ticklake(...argv: string[]): Promise<unknown> {
  const { code, stdout, stderr } = await runCli([...argv, '--json', '--data-dir', dataDir], {
    TICKLAKE_LOG_LEVEL: 'silent',
  });
  expect(code, stderr).toBe(0);
  return JSON.parse(stdout);
}

test('make candles of trades, and compare them with the bars of the exchange', async () => {
  const from = Date.parse('2024-03-05');
  const trades = Array.from({ length: 1_440 }, (_, i) => `${i},100,1,100,${from + i * 60_000},False,True\n`);
  const volume = (i: number): string => (i === 7 ? '2' : '1');
  const bars = trades.map(
    (_, i) =>
      `${from + i * 60_000},100,100,100,100,${volume(i)},${from + i * 60_000 + 59_999},100,1,1,100,0\n`,
  );
  const market = { symbol: 'BTCUSDT' } as const;
  await put(archive, day('2024-03-05', { ...market, kind: 'trades' }), { csv: trades.join('') });
  await put(archive, day('2024-03-05', { ...market, kind: 'klines', interval: '1m' }), {
    csv: bars.join(''),
  });
  await ticklake('trades', 'backfill', '--source', archive);
  await ticklake('klines', 'backfill', '--source', archive);

  expect(await ticklake('candles', 'build', '--interval', '1m')).toMatchObject({
    days: 1,
    added: 1_440,
    revised: 0,
  });
  expect(await ticklake('candles', 'build')).toMatchObject({ days: 1, added: 2_404 - 1_440, revised: 0 });
  expect(await ticklake('candles', 'build')).toEqual({ days: 0, added: 0, revised: 0, commits: 0 });
  const differing = [
    {
      ...{ table: 'market.candles', source: 'binance', symbol: 'BTCUSDT', interval: '1m', field: 'volume' },
      ...{ openTime: '2024-03-05T00:07:00+00:00', values: { klines: '2', candles: '1' }, trusted: 'candles' },
    },
  ];
  expect(await ticklake('reconcile', '--rest', '0')).toMatchObject(differing);
  expect(await ticklake('reconcile', '--rest', '0', '--symbols', 'ETHUSDT')).toEqual([]);
});

test.each([
  [['candles', 'build', '--interval', '7m']],
  [['candles', 'build', '--from', 'yesterday']],
  [['reconcile', '--rest', 'some']],
  [['reconcile', '--symbols', ',']],
])('%j is a usage error', async (argv) => {
  expect((await runCli(argv)).code).toBe(2);
});
