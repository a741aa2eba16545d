import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { createRestClient } from '#api/client/index.ts';
import { startApi, type RunningApi } from '#api/server.ts';
import type { Exchange } from '#core/exchanges/exchange.ts';
import { openExchange } from '#core/exchanges/open.ts';
import { startSimulator, type Simulator } from '#core/exchanges/simulator/server.ts';
import { candlesticksTopic, indicatorsTopic, signalsTopic } from '#core/market/topics.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startIngest } from '#pipelines/ingest-trades/role.ts';
import { startHeldJobs, type HeldJobs } from '#tests/api/held-jobs.ts';
import {
  appendRecords,
  candlestick,
  ensureLiveTopics,
  indicators,
  putSignals,
  signal,
} from '#tests/api/live-records.ts';
import { putBars } from '#tests/support/bars.ts';
import { browserRequirement, launchBrowser } from '#tests/support/browser.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';
import { buildPage } from '../../dashboards/web/build.ts';
import { seriousBarriers } from './trading-page.ts';
import { figure } from '../../dashboards/web/src/format.ts';

const symbols = ['BTCUSDT', 'ETHUSDT', 'SOLUSDT', 'XRPUSDT'];

describe('the page', requires(...browserRequirement), () => {
  let ground: TestLake;
  let simulator: Simulator;
  let exchange: Exchange;
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
    exchange = await openExchange({
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
      overrides: {
        ...{ dataDir: ground.dir, symbols, apiPort: 0, ingestBatchMs: 1_000, logPartitions: 4 },
        apiAddressRequests: 100_000,
      },
    });
    const { lake, log, database } = ground;
    const shared = { config, lake, log, database, logger };
    const ingest = await startIngest({ ...shared, metrics, exchange, symbols, live: true });
    closers.push(() => ingest.close());
    held = await startHeldJobs(ground);
    closers.push(() => held.close());
    await ensureLiveTopics(ground.log);
    await putDays(ground, exchange);
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
  });

  it('draws bars with their indicators, and what was chosen stays chosen', async () => {
    await page
      .getByRole('button', { name: /BTCUSDT/ })
      .first()
      .click();
    await page.getByRole('button', { name: '1d', exact: true }).click();
    await page.getByRole('img', { name: 'Candles of BTCUSDT, 1d' }).waitFor();
    const legend = page.getByTestId('legend');
    const client = createRestClient(api.url);
    const { source } = exchange;
    const { items } = await client.indicators('BTCUSDT', { interval: '1d', source, limit: 1 });
    await legend.getByText(figure(items[0]?.sma200 ?? NaN)).waitFor();
    expect(await legend.getByText('MACD').count()).toBe(0);

    const panes = () => page.locator('[role=img] table tr').count();
    const before = await panes();
    await page.getByRole('button', { name: 'MACD' }).click();
    await legend.getByText('MACD').waitFor();
    expect(await panes()).toBeGreaterThan(before);
    await page.reload();
    await page.getByRole('img', { name: 'Candles of BTCUSDT, 1d' }).waitFor();
    await legend.getByText('MACD').waitFor();
    expect(await panes()).toBeGreaterThan(before);
    await page.getByRole('button', { name: '1s', exact: true }).click();
    expect(await page.getByRole('button', { name: 'MACD' }).isDisabled()).toBe(true);
    await page.getByRole('button', { name: '1d', exact: true }).click();
    await legend.getByText('MACD').waitFor();
  });

  it('goes on as bars close', async () => {
    const market = { source: exchange.source, symbol: 'BTCUSDT', interval: '1d' } as const;
    const legend = page.getByTestId('legend');
    await legend.getByText('SMA 50').waitFor();
    // A day that is not over when the test is.
    const day = Math.floor((await exchange.timeUs()) / 86_400_000_000) + 1;
    const of = { open_us: day * 86_400_000_000 };
    await appendRecords(ground.log, candlesticksTopic, [
      { ...candlestick(market, 0), ...of, open: '94000', high: '96000', low: '93000', close: '95123.5' },
    ]);
    await legend.getByText('95,123.50').waitFor();
    await appendRecords(ground.log, indicatorsTopic, [
      {
        ...indicators(market, 0),
        ...of,
        ...{ sma_20: 92_500, sma_50: 93_321.25, macd: 900, macd_signal: 300 },
      },
    ]);
    await legend.getByText('93321.25').waitFor();
  });

  it('says why there are no bars, until there are', async () => {
    const other = await browser.newPage();
    const problem = { code: 'UNAVAILABLE', detail: 'the lake is away', status: 503 };
    const candles = /\/candles\?/;
    await other.route(candles, (route) => route.fulfill({ status: 503, json: problem }));
    await other.goto(api.url);
    const note = other.getByText('The bars cannot be read: the lake is away. Trying again…');
    await note.waitFor();
    await other.unroute(candles);
    await note.waitFor({ state: 'detached' });
    await other.getByTestId('legend').getByText('Bar').waitFor();
    await other.close();
  });

  it('lists signals, and opens the market of one', async () => {
    const list = page.getByTestId('signals').locator('li');
    await page.getByText('None yet: strategies speak as bars close.').waitFor();
    const market = { source: exchange.source, symbol: 'XRPUSDT', interval: '1h' } as const;
    const said = [signal(market, 1), signal(market, 2, 'SELL')];
    await putSignals(ground.database, said.slice(0, 1));
    await appendRecords(ground.log, signalsTopic, said);
    await list.filter({ hasText: 'SELL' }).waitFor();
    expect(await list.allTextContents()).toEqual([
      expect.stringMatching(/^SELLXRPUSDT 1h100\.125ma_crossover03-01 02:00$/),
      expect.stringMatching(/^BUYXRPUSDT 1h100\.125ma_crossover03-01 01:00$/),
    ]);
    await page.reload();
    await list.filter({ hasText: 'BUY' }).waitFor();
    await list.filter({ hasText: 'BUY' }).getByRole('button').click();
    await page.getByRole('img', { name: 'Candles of XRPUSDT, 1h' }).waitFor();
    await page.getByRole('button', { name: '1d', exact: true }).click();
  });

  it("shows the lake's state as the ledger has it", async () => {
    await page.getByRole('link', { name: 'Lake' }).click();
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
    expect(await days.first().textContent()).toMatch(/^klines 1dsimulator:42260000100\.00 %$/);
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

  it('has all of it again after a reload, and shows what the service stands on', async () => {
    await page.reload();
    await page.getByTestId('table-market.trades').waitFor();
    await page.getByRole('region', { name: 'Health' }).getByText('postgres').first().waitFor();
    expect(await seriousBarriers(page)).toEqual([]);
    await page.getByRole('link', { name: 'Trade' }).click();
    await page.getByRole('img', { name: /Candles of/ }).waitFor();
  });

  it('can be used by keyboard', async () => {
    await page.getByRole('button', { name: /SOLUSDT/ }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { name: 'SOLUSDT', exact: true }).waitFor();
    await page.getByRole('button', { name: '5m', exact: true }).focus();
    await page.keyboard.press('Enter');
    await page.getByRole('img', { name: 'Candles of SOLUSDT, 5m' }).waitFor();
    const volatility = page.getByRole('button', { name: 'Volatility' });
    await volatility.focus();
    await page.keyboard.press('Space');
    await page.getByTestId('legend').getByText('Volatility').waitFor();
    await page.keyboard.press('Space');
    expect(await volatility.getAttribute('aria-pressed')).toBe('false');
    await page.getByRole('button', { name: '1d', exact: true }).click();
  });

  it.each([
    ['a desk', { width: 1440, height: 900 }],
    ['a phone', { width: 400, height: 850 }],
  ])('has no serious barrier for anybody at %s', async (_name, viewport) => {
    await page.setViewportSize(viewport);
    expect(await seriousBarriers(page)).toEqual([]);
    const wide = await page.evaluate('document.documentElement.scrollWidth');
    expect(wide).toBeLessThanOrEqual(viewport.width);
  });

  it('raised no error, and is worth looking at', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'ticklake-page-'));
    await page.getByRole('button', { name: 'Markets' }).click();
    await page
      .getByRole('button', { name: /BTCUSDT/ })
      .first()
      .click();
    await page.getByTestId('legend').getByText('SMA 50').waitFor();
    await page.screenshot({ path: join(folder, 'phone.png'), fullPage: true });
    await page.setViewportSize({ width: 1440, height: 900 });
    await page.screenshot({ path: join(folder, 'desk.png') });
    await page.getByRole('link', { name: 'Lake' }).click();
    await page.getByTestId('coverage').waitFor();
    await page.screenshot({ path: join(folder, 'lake.png') });
    process.stderr.write(`screenshots: ${folder}\n`);
    expect(complaints).toEqual([]);
  });
});

/** The last three hundred days of two markets, as the venue has them. */
async function putDays(ground: TestLake, exchange: Exchange): Promise<void> {
  for (const symbol of ['BTCUSDT', 'ETHUSDT']) {
    const klines = await exchange.klines({ symbol, interval: '1d', limit: 301 });
    const bars = klines.slice(0, -1).map((kline) => ({
      openUs: kline.openTimeUs,
      ...{ open: kline.open, high: kline.high, low: kline.low, close: kline.close },
      ...{ volume: kline.volume, quoteVolume: kline.quoteVolume, trades: kline.tradeCount },
    }));
    await putBars(ground, { source: exchange.source, listing: `${symbol}#1`, interval: '1d', bars });
  }
}
