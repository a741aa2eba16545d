import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { User } from '#api/schemas/identity.ts';
import { browserRequirement, launchBrowser } from '#tests/support/browser.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { requires } from '#tests/support/require.ts';
import { asking } from './asking.ts';
import { openService, type Service } from './service.ts';

const credentials = { email: 'page@example.com', password: 'correct horse battery staple' };

describe('in a browser', requires(...browserRequirement), () => {
  let ground: TestLake;
  let service: Service;
  let staticDir: string;
  let url: string;
  let browser: Browser;
  let page: Page;
  let neighbour: Server;
  let neighbourUrl: string;

  beforeAll(async () => {
    ground = await openTestLake();
    staticDir = await mkdtemp(join(tmpdir(), 'ticklake-page-'));
    const html = '<!doctype html><title>page</title><script>window.ran = true</script>';
    await writeFile(join(staticDir, 'index.html'), html);
    service = await openService(ground, { staticDir });
    url = await service.app.listen({ host: '127.0.0.1', port: 0 });
    await asking(service.app)('POST', '/v1/users', { body: credentials, status: 201 });
    // Another port of the same host: to a browser the same site, whose cookies come along, and another origin.
    neighbour = createServer((_request, response) => {
      response.setHeader('content-type', 'text/html').end('<!doctype html><title>neighbour</title>');
    }).listen(0, '127.0.0.1');
    await once(neighbour, 'listening');
    const address = neighbour.address();
    neighbourUrl = `http://127.0.0.1:${typeof address === 'object' ? address?.port : ''}/`;
    browser = await launchBrowser();
    page = await (await browser.newContext()).newPage();
    await page.goto(url);
  });

  afterAll(async () => {
    await browser.close();
    neighbour.close();
    await service.close();
    await ground.close();
    await rm(staticDir, { recursive: true });
  });

  /** What the page itself gets for a request, the cookie being the browser's affair. */
  async function fetched(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: object } = {},
  ): Promise<{ status: number; body: string }> {
    return await page.evaluate(
      async ({ method, path, headers, body }) => {
        const answer = await fetch(path, {
          method,
          headers: { ...(body === undefined ? {} : { 'content-type': 'application/json' }), ...headers },
          ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        });
        return { status: answer.status, body: await answer.text() };
      },
      { method, path, headers: options.headers ?? {}, body: options.body },
    );
  }

  it('scripts that stand in the page do not run', async () => {
    expect(await page.title()).toBe('page');
    expect(await page.evaluate(`'ran' in window`)).toBe(false);
  });

  it('a session is where no script reads it, and changes nothing without the CSRF token', async () => {
    expect((await fetched('POST', '/v1/sessions', { body: credentials })).status).toBe(201);
    const visible = String(await page.evaluate('document.cookie'));
    expect(visible).toMatch(/^ticklake_csrf=[\w-]+$/);
    const cookies = await page.context().cookies();
    expect(cookies.map(({ name, httpOnly, sameSite }) => [name, httpOnly, sameSite]).toSorted()).toEqual([
      ['ticklake_csrf', false, 'Strict'],
      ['ticklake_session', true, 'Strict'],
    ]);
    expect((await fetched('GET', '/v1/users/me')).status).toBe(200);
    const body = { displayName: 'From the page' };
    expect((await fetched('PATCH', '/v1/users/me', { body })).status).toBe(403);
    const headers = { 'x-csrf-token': visible.split('=')[1] ?? '' };
    expect((await fetched('PATCH', '/v1/users/me', { body, headers })).status).toBe(200);
  });

  it('a page of another origin changes nothing, reads nothing and opens no socket', async () => {
    const other = await page.context().newPage();
    await other.goto(neighbourUrl);
    // Cookies know no ports: the neighbour reads what every script may.
    const [, csrfToken = ''] = String(await other.evaluate('document.cookie')).split('=');
    expect(csrfToken).not.toBe('');
    const outcome = await other.evaluate(
      async ({ api, csrfToken }) => {
        const read = await fetch(`${api}/v1/users/me`, { credentials: 'include' }).then(
          () => 'read',
          () => 'refused',
        );
        const headers = { 'content-type': 'application/json', 'x-csrf-token': csrfToken };
        const body = '{"displayName": "Evil"}';
        const change = { method: 'PATCH', credentials: 'include', headers, body } as const;
        const changed = await fetch(`${api}/v1/users/me`, change).then(
          () => 'sent',
          () => 'refused',
        );
        // Without a preflight, as forms do: it is sent, and must not be taken.
        await fetch(`${api}/v1/portfolios`, {
          ...{ method: 'POST', mode: 'no-cors', credentials: 'include' },
          ...{ headers: { 'content-type': 'text/plain' }, body: '{"name": "Evil"}' },
        });
        const socket = new WebSocket(`${api.replace('http', 'ws')}/v1/stream`);
        const opened = await new Promise((resolve) => {
          socket.onopen = () => resolve('opened');
          socket.onerror = () => resolve('refused');
        });
        return { read, changed, opened };
      },
      { api: url, csrfToken },
    );
    await other.close();
    expect(outcome).toEqual({ read: 'refused', changed: 'refused', opened: 'refused' });
    const me = JSON.parse((await fetched('GET', '/v1/users/me')).body) as User;
    expect(me.displayName).toBe('From the page');
    const { items } = JSON.parse((await fetched('GET', '/v1/portfolios')).body) as { items: unknown[] };
    expect(items).toEqual([]);
  });

  it('a socket of the page has its session', async () => {
    const code = await page.evaluate(
      async (stream) => {
        const socket = new WebSocket(stream);
        await new Promise((resolve) => (socket.onopen = resolve));
        const answer = new Promise<string>(
          (resolve) => (socket.onmessage = ({ data }) => resolve(String(data))),
        );
        const portfolioId = '7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66';
        socket.send(JSON.stringify({ op: 'subscribe', channel: 'balances', portfolioId }));
        const text = await answer;
        socket.close();
        return (JSON.parse(text) as { problem?: { code: string } }).problem?.code;
      },
      `${url.replace('http', 'ws')}/v1/stream`,
    );
    expect(code).toBe('NOT_FOUND');
  });

  it('wrong passwords lock the account, and say when to come back', async () => {
    const body = { ...credentials, password: 'not this one' };
    const statuses = [];
    for (let count = 0; count < 6; count += 1) {
      statuses.push((await fetched('POST', '/v1/sessions', { body })).status);
    }
    expect(statuses).toEqual([401, 401, 401, 401, 401, 429]);
    const locked = await fetched('POST', '/v1/sessions', { body: credentials });
    expect(locked.status).toBe(429);
    expect(locked.body).toContain('Try again in');
    expect((await fetched('GET', '/v1/users/me')).status).toBe(200);
  });
});
