import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { Browser, Locator, Page } from 'playwright-core';
import { openTradingGround, type TradingGround } from '#tests/api/trading-ground.ts';
import { launchBrowser } from '#tests/support/browser.ts';
import { openCutProxy, type CutProxy } from '#tests/support/cut-proxy.ts';
import { loadConfig } from '#core/platform/config.ts';
import { startEvents } from '#pipelines/deliver-events/role.ts';
import { startTrader } from '#pipelines/execute-orders/role.ts';
import { buildPage } from '../../dashboards/web/build.ts';

const dist = fileURLToPath(new URL('../../dashboards/web/dist', import.meta.url));

/** The page over a service whose tape the test makes, with orders that are executed, behind a network that can go away. */
export interface TradingPage {
  trading: TradingGround;
  network: CutProxy;
  url: string;
  browser: Browser;
  page: Page;
  /** What the browser complained of. */
  complaints: string[];
  close(): Promise<void>;
}

export async function openTradingPage(): Promise<TradingPage> {
  await buildPage();
  const closers: (() => Promise<unknown>)[] = [];
  const trading = await openTradingGround({ staticDir: dist });
  closers.push(() => trading.close());
  const { database, log, logger, metrics, dir } = trading.ground;
  const config = loadConfig({ env: {}, cwd: dir, overrides: { dataDir: dir, logPartitions: 4 } });
  const trader = await startTrader({ config, database, log, logger, metrics });
  closers.push(() => trader.close());
  const events = await startEvents({ config, database, log, logger, metrics });
  closers.push(() => events.close());
  const address = new URL(await trading.service.app.listen({ host: '127.0.0.1', port: 0 }));
  const network = await openCutProxy(Number(address.port));
  closers.push(() => network.close());
  const browser = await launchBrowser();
  closers.push(() => browser.close());
  const page = await browser.newPage({ viewport: { width: 1440, height: 900 } });
  page.setDefaultTimeout(30_000);
  const complaints: string[] = [];
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(error.message));
  const url = `http://${network.host}`;
  await page.goto(url);
  return {
    ...{ trading, network, url, browser, page, complaints },
    async close() {
      for (const close of closers.toReversed()) await close();
    },
  };
}

/** What somebody with a keyboard, a small screen or a reader of the screen would stumble over. */
export async function seriousBarriers(page: Page): Promise<string[]> {
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
  await session.detach();
  const found = JSON.parse(String(result.value)) as { passes: number; serious: string[] };
  if (found.passes < 10) throw new Error(`only ${found.passes} rules were checked`);
  return found.serious;
}

/** The form that orders are placed with. */
export function orderForm(page: Page): {
  choose(text: string): Promise<void>;
  fill(label: string, text: string): Promise<void>;
  place(): Promise<void>;
  preview: Locator;
  outcome: Locator;
  alert: Locator;
} {
  const form = page.getByRole('form', { name: 'Order' });
  return {
    choose: (text) => form.getByText(text, { exact: true }).click(),
    fill: (label, text) => form.getByRole('textbox', { name: label }).fill(text),
    place: () => form.locator('button[type=submit]').click(),
    preview: form.getByRole('status', { name: 'Preview' }),
    outcome: form.getByRole('status', { name: 'Outcome' }),
    alert: form.getByRole('alert'),
  };
}
