import { createRequire } from 'node:module';
import { mkdtemp, readFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRestClient } from '#api/client/index.ts';
import { startApi, type RunningApi } from '#api/server.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { startSimulator, type Simulator } from '#core/exchanges/simulator/server.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startIngest } from '#pipelines/ingest-trades/role.ts';
import { startHeldJobs, type HeldJobs } from '#tests/api/held-jobs.ts';
import { putBars } from '#tests/support/bars.ts';
import { browserRequirement, launchBrowser } from '#tests/support/browser.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';
import { buildPage } from '../../dashboards/web/build.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'];

describe('the page', requires(...browserRequirement), () => {
  let ground: TestLake;
  let simulator: Simulator;
  let held: HeldJobs;
  let api: RunningApi;
  let browser: Browser;
  let page: Page;
  const complaints: string[] = [];
  const closers: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    await buildPage();
    ground = await openTestLake();
    closers.push(() => ground.close());
    const logger = createLogger({ level: 'silent', name: 'test' });
    const metrics = new Metrics();
    simulator = await startSimulator({ seed: 42, symbols: 12, speed: 20, port: 0, logger, metrics });
    closers.push(() => simulator.close());
    const exchange = await openExchange({
      exchange: 'simulator',
      url: simulator.url,
      wsUrl: simulator.wsUrl,
      logger,
      metrics,
    });
    closers.push(() => exchange.close());
    const config = loadConfig({
      env: {},
      cwd: ground.dir,
      overrides: { dataDir: ground.dir, symbols, apiPort: 0, ingestBatchMs: 1_000, logPartitions: 4 },
    });
    const { lake, log, database } = ground;
    const shared = { config, lake, log, database, logger };
    const ingest = await startIngest({ ...shared, metrics, exchange, symbols, live: true });
    closers.push(() => ingest.close());
    held = await startHeldJobs(ground);
    closers.push(() => held.close());
    await putDays(ground, exchange.source);
    const jobCards = held.cards;
    api = await startApi({ ...shared, jobCards, metrics: new Metrics(), spillDir: ground.spillDir });
    closers.push(() => api.close());
    browser = await launchBrowser();
    closers.push(() => browser.close());
    page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
    page.on('console', (message) => {
      if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
    });
    page.on('pageerror', (error) => complaints.push(error.message));
    await page.goto(api.url);
  });

  afterAll(async () => {
    for (const close of closers.toReversed()) await close();
  });

  it('shows prices that move', async () => {
    for (const symbol of symbols) await page.getByTestId(`price-${symbol}`).waitFor();
    const price = page.getByTestId('price-BTCUSDT');
    const seen = new Set<string>();
    await vi.waitFor(
      async () => {
        seen.add((await price.textContent()) ?? '');
        expect(seen.size).toBeGreaterThanOrEqual(3);
      },
      { timeout: 30_000, interval: 50 },
    );
    expect(await page.getByRole('status', { name: 'Connection' }).textContent()).toContain('Live');
  });

  it("fills the tape of the market that is chosen, with the venue's own trades", async () => {
    await page.getByRole('button', { name: /ETHUSDT/ }).click();
    await page.getByRole('heading', { name: 'ETHUSDT', exact: true }).waitFor();
    await vi.waitFor(
      async () => expect(await page.getByTestId('tape').locator('tr').count()).toBeGreaterThan(10),
      {
        timeout: 30_000,
        interval: 100,
      },
    );
    expect(await page.locator('[role=img] canvas').count()).toBeGreaterThan(0);
  });

  it("shows the lake's state as the ledger has it", async () => {
    const table = page.getByTestId('table-market.trades');
    await vi.waitFor(
      async () => {
        const rows = await table.locator('dd').first().textContent();
        expect(Number(rows?.replaceAll(',', ''))).toBeGreaterThan(0);
        expect(await page.getByTestId('coverage').locator('tbody tr').count()).toBe(symbols.length);
      },
      { timeout: 30_000, interval: 200 },
    );
    await page.getByText('nothing missing').waitFor();
    const days = page.getByTestId('bars').locator('tbody tr');
    expect(await days.count()).toBe(1);
    expect(await days.first().textContent()).toMatch(/^klines 1dsimulator:42220000100\.00 %$/);
  });

  it('shows how jobs go on, and how they ended', async () => {
    const client = createRestClient(api.url);
    const { run } = await client.startRun({ job: 'held-work', params: { keys: ['a', 'b', 'c'] } });
    const shown = page.getByTestId('runs').locator('li').filter({ hasText: 'held-work' });
    const bar = page.getByRole('progressbar', { name: 'Progress of held-work' });
    await bar.waitFor();
    held.let('a', 'b');
    await shown.getByText('2 of 3 parts').waitFor();
    await vi.waitFor(
      async () => expect(Number(await bar.getAttribute('aria-valuenow'))).toBeGreaterThanOrEqual(66),
      { timeout: 30_000, interval: 100 },
    );
    held.let('c');
    await vi.waitFor(async () => expect((await client.run(run.runId, 5)).state).toBe('succeeded'), 30_000);
    await shown.getByText('succeeded').waitFor();
    held.fail('d', true);
    held.let('d');
    await client.startRun({ job: 'held-work', params: { keys: ['d'] } });
    await page.getByTestId('runs').getByText('failed', { exact: true }).waitFor();
    // Left going, for the picture.
    await client.startRun({ job: 'held-work', params: { keys: ['e', 'f'] } });
    await bar.waitFor();
  });

  it('can be used by keyboard', async () => {
    await page.getByRole('button', { name: /SOLUSDT/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'SOLUSDT', exact: true }).waitFor();
  });

  it('has no serious barrier for anybody', async () => {
    const axe = createRequire(import.meta.url).resolve('axe-core/axe.min.js');
    // By the debugger, as the service's policy lets no foreign script in.
    const session = await page.context().newCDPSession(page);
    await session.send('Runtime.evaluate', { expression: await readFile(axe, 'utf8') });
    const { result } = await session.send('Runtime.evaluate', {
      expression: `axe.run().then(({ violations, passes }) => JSON.stringify({
        passes: passes.length,
        serious: violations.filter(({ impact }) => impact === 'serious' || impact === 'critical')
          .map(({ id, nodes }) => id + ': ' + nodes[0].html),
      }))`,
      awaitPromise: true,
    });
    const found = JSON.parse(String(result.value)) as { passes: number; serious: string[] };
    expect(found.passes).toBeGreaterThan(10);
    expect(found.serious).toEqual([]);
  });

  it('raised no error, and is worth looking at', async () => {
    const path = join(await mkdtemp(join(tmpdir(), 'ticklake-page-')), 'page.png');
    await page.screenshot({ path });
    process.stderr.write(`screenshot: ${path}\n`);
    expect(complaints).toEqual([]);
  });
});

/** A hundred daily bars of two markets. */
async function putDays(ground: TestLake, source: string): Promise<void> {
  const start = Date.parse('2024-01-01T00:00:00Z') * 1_000;
  const days = Array.from({ length: 100 }, (_, index) => ({
    openUs: start + index * 86_400_000_000,
    ...{ open: '1', high: '1', low: '1', close: '1', volume: '1', quoteVolume: '1', trades: 1 },
  }));
  await putBars(ground, { source, listing: 'BTCUSDT#1', interval: '1d', bars: days });
  await putBars(ground, { source, listing: 'ETHUSDT#1', interval: '1d', bars: days });
}
