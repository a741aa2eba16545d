import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import { browserRequirement } from '#tests/support/browser.ts';
import { requires } from '#tests/support/require.ts';
import { openTradingPage, orderForm, seriousBarriers, type TradingPage } from './trading-page.ts';

const credentials = { email: 'ada@example.com', password: 'correct horse battery staple' };
/** What browsers note of what was refused, and of a network that is away. */
const told = /status of (400|401|409) |net::ERR_(CONNECTION|EMPTY_RESPONSE|SOCKET_NOT_CONNECTED)/;
const bounds = { timeout: 30_000, interval: 50 };

describe('trading on the page', requires(...browserRequirement), () => {
  let ground: TradingPage;
  let page: Page;
  let order: ReturnType<typeof orderForm>;
  let shots: string;
  const trade = (price: string) => ground.trading.trade(price);
  const tab = (name: RegExp | string) => page.getByRole('tab', { name }).click();
  const notice = (text: string) => page.getByRole('log', { name: 'Notices' }).getByText(text);
  const rows = (list: string) => page.getByTestId(list).locator('tbody tr');

  beforeAll(async () => {
    ground = await openTradingPage();
    page = ground.page;
    order = orderForm(page);
    shots = await mkdtemp(join(tmpdir(), 'ticklake-trading-'));
  });

  afterAll(async () => {
    await ground.close();
  });

  afterEach(async ({ task }) => {
    if (task.result?.state === 'fail') await shoot(`failed-${task.name.replace(/\W+/g, '-')}`);
  });

  async function shoot(name: string): Promise<void> {
    await page.screenshot({ path: join(shots, `${name}.png`) });
  }

  async function figures(): Promise<string> {
    return (await page.getByTestId('worth').textContent()) ?? '';
  }

  it('makes an account, after saying what is wrong with what was typed', async () => {
    await page.getByRole('img', { name: /Candles of BTCUSDT/ }).waitFor();
    const panel = page.getByRole('region', { name: 'Your account' });
    const password = panel.getByLabel('Password');
    expect(await password.getAttribute('type')).toBe('password');
    // As out of a password manager.
    await panel.getByLabel('Email').fill(credentials.password);
    for (const key of ['ControlOrMeta+A', 'ControlOrMeta+C', 'Tab']) await page.keyboard.press(key);
    await password.focus();
    await page.keyboard.press('ControlOrMeta+V');
    expect(await password.inputValue()).toBe(credentials.password);
    expect(await password.getAttribute('autocomplete')).toBe('current-password');
    await panel.getByLabel('Email').fill(credentials.email);
    await shoot('signed-out');
    await panel.getByRole('button', { name: 'Sign in' }).click();
    await panel.getByRole('alert').getByText('You are not signed in').waitFor();
    await panel.getByRole('tab', { name: 'Create account' }).click();
    await panel.getByLabel('Password').fill('short');
    await panel.getByRole('button', { name: 'Create account' }).click();
    await panel.getByText('Use at least 8 characters.').waitFor();
    await panel.getByLabel('Password').fill(credentials.password);
    await panel.getByRole('button', { name: 'Create account' }).click();
    await page.getByText(credentials.email).waitFor();
  });

  it('opens a portfolio with paper money', async () => {
    await page.getByRole('button', { name: 'Open portfolio' }).click();
    await vi.waitFor(async () => expect(await figures()).toContain('10,000.00 USDT'), bounds);
    await page.getByText('No open orders.').waitFor();
  });

  it('previews a market order, places it on the socket and tells of its fill', async () => {
    await trade('60000.00');
    await order.fill('Quantity', '0.01');
    await order.preview.getByText('Would be taken at this moment.').waitFor();
    await page.getByText('720.72 USDT').waitFor();
    await order.place();
    await order.outcome.getByText('Buy 0.01 BTCUSDT, market').waitFor();
    await notice('Bought 0.01 BTCUSDT at 60,030.00').waitFor();
    await tab(/^Holdings/);
    await rows('holdings').getByText('60,090.03').waitFor();
  });

  it('shows value and profit as the price moves', async () => {
    await trade('61000.00');
    // 10,000 − 600.9003 paid with the fee, and 0.01 of 61,000.
    await vi.waitFor(async () => expect(await figures()).toContain('10,009.10 USDT'), bounds);
    expect(await figures()).toContain('+9.10');
    expect(await rows('holdings').textContent()).toContain('610.00');
  });

  it('places a limit order, which rests until the tape trades at its price', async () => {
    await order.choose('Limit');
    await order.fill('Quantity', '0.02');
    await order.fill('Limit price', '60500');
    await order.place();
    await order.outcome.getByText('Buy 0.02 BTCUSDT, limit 60,500.00').waitFor();
    await tab(/^Orders/);
    await rows('open-orders').getByText('60,500.00').waitFor();
    await shoot('limit-order');
    await trade('60499.00');
    await notice('Bought 0.02 BTCUSDT at 60,500.00').waitFor();
    await page.getByText('No open orders.').waitFor();
  });

  it('places a stop order, which waits for its stop', async () => {
    await order.choose('Sell');
    await order.choose('Stop');
    await order.fill('Stop price', '60000');
    await order.fill('Quantity', '0.01');
    await order.place();
    await rows('open-orders').getByText('Waiting for its stop').waitFor();
    await trade('59990.00');
    await notice('Sold 0.01 BTCUSDT at').waitFor();
    await page.getByText('No open orders.').waitFor();
  });

  it('places a stop-limit order, which rests at its limit from then on', async () => {
    await order.choose('Stop limit');
    await order.fill('Stop price', '59900');
    await order.fill('Limit price', '60100');
    await order.fill('Quantity', '0.01');
    await order.place();
    await rows('open-orders').getByText('Waiting for its stop').waitFor();
    await trade('59880.00');
    await notice('The stop of BTCUSDT is reached').waitFor();
    await rows('open-orders').getByText('Open', { exact: true }).waitFor();
    await trade('60120.00');
    await notice('Sold 0.01 BTCUSDT at 60,100.00').waitFor();
    await page.getByText('No open orders.').waitFor();
  });

  it('says why an order is refused, before and after', async () => {
    await order.choose('Buy');
    await order.choose('Market');
    await order.fill('Quantity', '1,5');
    await order.place();
    await page.getByText('Enter digits with a point, such as 0.25.').waitFor();
    await order.fill('Quantity', '0.0000001');
    await page.getByText('Enter a multiple of 0.00001.').waitFor();
    await order.fill('Quantity', '100');
    await order.preview.getByText('Would be refused').waitFor();
    await order.place();
    await order.alert.getByText('The order was refused (INSUFFICIENT_BALANCE)').waitFor();
    await shoot('refused');
    await tab('History');
    await rows('order-history').getByText('INSUFFICIENT_BALANCE').waitFor();
    await rows('order-history').getByText('Refused').waitFor();
  });

  it('amends and cancels an order', async () => {
    await trade('60120.00');
    await order.choose('Limit');
    await order.fill('Limit price', '55000');
    await order.fill('Quantity', '0.01');
    await order.place();
    await tab(/^Orders/);
    const amend = page.getByRole('form', { name: 'Amend the order of BTCUSDT' });
    await page.getByRole('button', { name: 'Amend: Buy 0.01 BTCUSDT, limit 55,000.00' }).click();
    await amend.getByLabel('Limit price').fill('10');
    await amend.getByRole('button', { name: 'Amend order' }).click();
    await amend.getByRole('alert').getByText('The order stands as it was').waitFor();
    await shoot('amend');
    await amend.getByLabel('Limit price').fill('56000');
    await amend.getByRole('button', { name: 'Amend order' }).click();
    await rows('open-orders').getByText('56,000.00').waitFor();
    await page.getByRole('button', { name: 'Cancel: Buy 0.01 BTCUSDT, limit 56,000.00' }).click();
    await page.getByText('No open orders.').waitFor();
    await tab('History');
    await rows('order-history').first().getByText('Cancelled').waitFor();
  });

  it('places an order that is filled at once in full or not at all', async () => {
    const time = page.getByRole('combobox', { name: 'Valid' });
    await time.selectOption('At once in full, or not');
    expect(await page.getByRole('checkbox', { name: 'Post only' }).isDisabled()).toBe(true);
    await order.fill('Limit price', '55000');
    await order.fill('Quantity', '0.01');
    await order.place();
    await notice('An order of BTCUSDT has expired').waitFor();
    await rows('order-history').first().getByText('Expired').waitFor();
    await time.selectOption('Until cancelled');
  });

  it('cancels all orders, when asked twice', async () => {
    await trade('60120.00');
    for (const price of ['50000', '51000']) {
      await order.fill('Limit price', price);
      await order.fill('Quantity', '0.001');
      await order.place();
      await order.outcome.getByText(`limit ${price.slice(0, 2)},000.00`).waitFor();
    }
    await tab(/^Orders/);
    await vi.waitFor(async () => expect(await rows('open-orders').count()).toBe(2), bounds);
    await page.getByRole('button', { name: 'Cancel all' }).click();
    await page.getByRole('button', { name: 'Cancel 2: sure?' }).click();
    await page.getByText('No open orders.').waitFor();
  });

  it('moves paper money, and refuses to take out what is not there', async () => {
    await tab('Balances');
    const money = page.getByRole('form', { name: 'Paper money' });
    await money.getByLabel('Amount').fill('2500.50');
    await money.getByRole('button', { name: 'Add' }).click();
    await money.getByText('Added: 2,500.50 USDT.').waitFor();
    await page.getByTestId('moves').getByText('+2,500.50 USDT').waitFor();
    await money.getByLabel('Amount').fill('1000000');
    await money.getByRole('button', { name: 'Take out' }).click();
    await money.getByRole('alert').getByText('Nothing was moved').waitFor();
    await shoot('balances');
  });

  it('tells of a price that was asked for, until it is seen', async () => {
    await tab(/^Alerts/);
    const form = page.getByRole('form', { name: 'Price alert' });
    await form.getByLabel('Price', { exact: true }).fill('60200');
    await form.getByRole('button', { name: 'Tell me' }).click();
    await page.getByTestId('price-alerts').getByText('60,200.00').waitFor();
    await trade('60210.00');
    await notice('Alert: price reached').waitFor();
    await page.getByRole('tab', { name: 'Alerts 1' }).waitFor();
    await shoot('alerts');
    await page.getByTestId('alerts').getByRole('button', { name: /^Seen/ }).click();
    await page.getByRole('tab', { name: 'Alerts', exact: true }).waitFor();
    await page.getByTestId('price-alerts').getByText('60,200.00').waitFor({ state: 'detached' });
  });

  it('says that the connection is lost, and tells what was missed when it is back', async () => {
    await tab(/^Orders/);
    await order.fill('Limit price', '58000');
    await order.fill('Quantity', '0.03');
    await order.place();
    await rows('open-orders').getByText('58,000.00').waitFor();
    ground.network.cut();
    await page.getByText('The connection is lost.').waitFor();
    await page.getByRole('button', { name: 'Waiting for the connection…' }).waitFor();
    await shoot('connection-lost');
    await page.getByRole('button', { name: 'Sign out' }).click();
    await notice('You are still signed in').waitFor();
    await trade('57990.00');
    ground.network.mend();
    await notice('Bought 0.03 BTCUSDT at 58,000.00').waitFor();
    await notice('The connection is back').waitFor();
    await page.getByText('No open orders.').waitFor();
    await page.getByText('The connection is lost.').waitFor({ state: 'detached' });
  });

  it('is used by keyboard alone', async () => {
    await page.getByRole('radio', { name: 'Limit', exact: true }).focus();
    await page.keyboard.press('ArrowLeft');
    await page.keyboard.press('Tab');
    await page.keyboard.type('0.001');
    await page.keyboard.press('Enter');
    await notice('Bought 0.001 BTCUSDT').waitFor();
    await page.getByRole('tab', { name: /^Orders/ }).focus();
    await page.keyboard.press('ArrowRight');
    await rows('holdings').getByText('BTC').first().waitFor();
  });

  it('ends with the session, and begins again', async () => {
    await page.getByRole('button', { name: 'Sign out' }).click();
    const panel = page.getByRole('region', { name: 'Your account' });
    await panel.getByLabel('Email').waitFor();
    expect(await page.getByTestId('worth').count()).toBe(0);
    const left = await page.locator('body').innerText();
    for (const own of [credentials.email, 'Bought', 'Sold', 'Deposited']) expect(left).not.toContain(own);
    await panel.getByLabel('Email').fill(credentials.email);
    await panel.getByLabel('Password').fill('not this one');
    await panel.getByRole('button', { name: 'Sign in' }).click();
    await panel.getByRole('alert').waitFor();
    await panel.getByLabel('Password').fill(credentials.password);
    await panel.getByRole('button', { name: 'Sign in' }).click();
    await vi.waitFor(async () => expect(await figures()).toContain('USDT'), bounds);
    await page.reload();
    await vi.waitFor(async () => expect(await figures()).toContain('USDT'), bounds);
  });

  it('says that the session was ended elsewhere', async () => {
    const newPassword = 'another long sentence';
    const { ask } = ground.trading;
    const { token } = await ask<{ token: string }>('POST', '/v1/sessions', {
      body: credentials,
      status: 201,
    });
    const body = { currentPassword: credentials.password, newPassword };
    await order.fill('Quantity', '0.01');
    await ask('PUT', '/v1/users/me/password', { token, body, status: 204 });
    // At once, where it is still there: what the page reads by itself may have been refused before.
    await page.evaluate("document.querySelector('form[aria-label=Order] button[type=submit]')?.click()");
    await page.getByText('Your session has ended: sign in again.').waitFor();
    const panel = page.getByRole('region', { name: 'Your account' });
    await panel.getByLabel('Email').fill(credentials.email);
    await panel.getByLabel('Password').fill(newPassword);
    await panel.getByRole('button', { name: 'Sign in' }).click();
    await vi.waitFor(async () => expect(await figures()).toContain('USDT'), bounds);
  });

  it.each([
    ['desk', { width: 1440, height: 900 }],
    ['small-window', { width: 1100, height: 768 }],
    ['phone', { width: 390, height: 844 }],
  ])('has no serious barrier for anybody at a %s', async (name, viewport) => {
    await page.setViewportSize(viewport);
    const isPhone = name === 'phone';
    const part = (title: string) =>
      page
        .getByRole('navigation', { name: 'Parts of the page' })
        .getByRole('button', { name: title })
        .click();
    for (const title of isPhone ? ['Markets', 'Chart', 'Order', 'Portfolio'] : ['']) {
      if (title !== '') await part(title);
      await shoot(`${name}${title === '' ? '' : `-${title.toLowerCase()}`}`);
      expect(await seriousBarriers(page)).toEqual([]);
      const { scrollWidth, scrollHeight } = await page.evaluate<Record<string, number>>(
        '({ scrollWidth: document.documentElement.scrollWidth, scrollHeight: document.documentElement.scrollHeight })',
      );
      expect(scrollWidth).toBeLessThanOrEqual(viewport.width);
      // A phone scrolls through the chart and the tape; a desk has all of it in sight.
      expect(scrollHeight).toBeLessThanOrEqual(isPhone ? 2 * viewport.height : viewport.height);
    }
    for (const title of [/^Orders/, /^Holdings/, 'Balances', 'History', /^Alerts/] as const) {
      await tab(title);
      await shoot(`${name}-${String(title).replace(/\W/g, '').toLowerCase()}`);
    }
    expect(await seriousBarriers(page)).toEqual([]);
  });

  it('raised no error', () => {
    process.stderr.write(`screenshots: ${shots}\n`);
    expect(ground.complaints.filter((text) => !told.test(text))).toEqual([]);
  });
});
