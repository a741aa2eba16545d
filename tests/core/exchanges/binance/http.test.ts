import { afterEach, describe, expect, it, vi } from 'vitest';
import { klines, time } from '#core/exchanges/binance/answers.ts';
import { createHttpClient, type HttpClient, type HttpOptions } from '#core/exchanges/binance/http.ts';
import { TicklakeError } from '#core/platform/errors.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startVenue, type Answers, type Venue } from './venue.ts';

const now = { serverTime: 1_723_161_255_342 };
const opened: { venue: Venue; http: HttpClient }[] = [];
const patience = { timeout: 20_000 };

async function open(answers: Answers, options: Partial<HttpOptions> = {}) {
  const venue = await startVenue({ answers });
  const metrics = new Metrics();
  const http = createHttpClient({
    ...{ source: 'test', baseUrl: venue.url, weightLimit: 1_000, metrics },
    logger: createLogger({ level: 'silent', name: 'test' }),
    ...options,
  });
  opened.push({ venue, http });
  const figure = async (name: string, labels = '') => {
    const lines = (await metrics.registry.metrics()).split('\n');
    return Number(
      lines
        .find((line) => line.startsWith(name) && line.includes(labels))
        ?.split(' ')
        .at(-1) ?? 0,
    );
  };
  return { venue, http, figure };
}

afterEach(async () => {
  for (const { venue, http } of opened.splice(0)) {
    http.close();
    await venue.close();
  }
});

describe('a budget shared with other processes', () => {
  it('gives each attempt its turn, and hears what the venue says', async () => {
    const heard: unknown[][] = [];
    const budget = {
      take: (...args: unknown[]) => Promise.resolve(void heard.push(['take', ...args.slice(0, 2)])),
      observed: (...args: unknown[]) => Promise.resolve(void heard.push(['observed', ...args])),
      pause: (...args: unknown[]) => Promise.reject(new Error(`no ${heard.push(['pause', ...args])}`)),
    };
    const { http } = await open(
      ({ count }) =>
        count === 1
          ? { status: 429, headers: { 'retry-after': '0' } }
          : { headers: { 'x-mbx-used-weight-1m': '17' }, body: now },
      { budget },
    );
    expect(await http.get(time, {}, 4)).toEqual(now);
    await http.get(time, {}, 2);
    await http.get(time, {}, 0);
    expect(heard.slice(0, 4)).toEqual([
      ['take', 'test', 4],
      ['pause', 'test', 0],
      ['take', 'test', 4],
      ['observed', 'test', 17],
    ]);
    expect(heard.slice(4).filter(([what]) => what === 'take')).toEqual([['take', 'test', 2]]);
  });

  it('ends the request where it gives no turn', async () => {
    const budget = {
      take: () => Promise.reject(new TicklakeError('RATE_LIMITED', 'not today')),
      observed: () => Promise.resolve(),
      pause: () => Promise.resolve(),
    };
    const { http, venue } = await open(() => ({ body: now }), { budget });
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(venue.requests).toEqual([]);
  });
});

describe('request weights', () => {
  it('stay under the limit: the venue never has to refuse', async () => {
    const windowMs = 480;
    const limit = 10;
    const usedIn = new Map<number, number>();
    let refused = 0;
    const { http, venue, figure } = await open(
      () => {
        const window = Math.floor(Date.now() / windowMs);
        const used = (usedIn.get(window) ?? 0) + 4;
        usedIn.set(window, used);
        if (used > limit) refused++;
        return {
          ...(used > limit ? { status: 429, headers: { 'retry-after': '1' } } : {}),
          ...(used > limit ? {} : { headers: { 'x-mbx-used-weight-1m': String(used) } }),
          body: now,
        };
      },
      { weightLimit: limit, weightWindowMs: windowMs },
    );
    await Promise.all(Array.from({ length: 7 }, () => http.get(time, {}, 4)));
    expect(refused).toBe(0);
    expect(venue.requests).toHaveLength(7);
    expect(Math.max(...usedIn.values())).toBe(8);
    expect(await figure('ticklake_exchange_request_wait_seconds_total')).toBeGreaterThan(0);
    expect(await figure('ticklake_exchange_weight_limit')).toBe(limit);
  });

  it('count what others at this address have used', async () => {
    const { http, venue } = await open(() => ({ headers: { 'x-mbx-used-weight-1m': '999' }, body: now }), {
      maxWaitMs: 0,
      // One window far longer than the test.
      weightWindowMs: 1e12,
    });
    await http.get(time, {}, 1);
    await expect(http.get(time, {}, 2)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(venue.requests).toHaveLength(1);
  });
});

describe('429 and 418', () => {
  it.each([429, 418])('%i: every request waits as long as Retry-After says', async (status) => {
    let refusedAtMs = 0;
    const { http, venue, figure } = await open(({ count }) => {
      if (count > 1) return { body: now };
      refusedAtMs = performance.now();
      return { status, headers: { 'retry-after': '1' }, body: { code: -1003, msg: 'Too many requests.' } };
    });
    const first = http.get(time, {}, 1);
    await vi.waitFor(async () => {
      expect(await figure('ticklake_exchange_requests_total', `status="${status}"`)).toBe(1);
    }, patience);
    await Promise.all([first, http.get(time, {}, 1), http.get(klines, {}, 1).catch(() => undefined)]);
    const after = venue.requests.slice(1).map(({ atMs }) => atMs - refusedAtMs);
    expect(after.length).toBe(3);
    expect(Math.min(...after)).toBeGreaterThanOrEqual(995);
  });

  it('a ban longer than anyone should wait is said at once, and nothing more is sent', async () => {
    const { http, venue } = await open(() => ({ status: 418, headers: { 'retry-after': '7200' } }));
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'RATE_LIMITED', retryable: true });
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'RATE_LIMITED' });
    expect(venue.requests).toHaveLength(1);
  });
});

describe('failures', () => {
  it('are tried again', async () => {
    const { http, figure } = await open(({ count }) => (count < 3 ? { status: 503 } : { body: now }));
    await expect(http.get(time, {}, 1)).resolves.toEqual(now);
    expect(await figure('ticklake_exchange_request_retries_total')).toBe(2);
  });

  it('are tried so often and no more', async () => {
    const { http, venue } = await open(() => ({ status: 500 }), { maxRetries: 2 });
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'EXCHANGE_UNREACHABLE' });
    expect(venue.requests).toHaveLength(3);
  });

  it('open the breaker, which lets one through after a while and closes again', async () => {
    let healthy = false;
    const { http, venue, figure } = await open(() => (healthy ? { body: now } : { status: 500 }), {
      maxRetries: 0,
      breakerOpenMs: 200,
    });
    for (let i = 0; i < 5; i++) await expect(http.get(time, {}, 1)).rejects.toThrow('500');
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'EXCHANGE_UNREACHABLE' });
    expect(venue.requests).toHaveLength(5);
    expect(await figure('ticklake_exchange_breaker_state')).toBe(1);
    healthy = true;
    await vi.waitFor(() => http.get(time, {}, 1), patience);
    expect(await figure('ticklake_exchange_breaker_state')).toBe(0);
  });

  it('include a venue that never answers', async () => {
    const { http, venue } = await open(() => 'never', { timeoutMs: 100, maxRetries: 1 });
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({
      code: 'EXCHANGE_UNREACHABLE',
      message: expect.stringContaining('no answer within 100 ms'),
    });
    expect(venue.requests).toHaveLength(2);
  });

  it('include a venue that is not there', async () => {
    const { http } = await open(() => 'never', { baseUrl: 'http://127.0.0.1:9', maxRetries: 0 });
    await expect(http.get(time, {}, 1)).rejects.toMatchObject({ code: 'EXCHANGE_UNREACHABLE' });
  });

  it('are not what a refusal is: that is said at once', async () => {
    const { http, venue } = await open(() => ({
      status: 400,
      body: { code: -1121, msg: 'Invalid symbol.' },
    }));
    await expect(http.get(time, { symbol: 'X' }, 1)).rejects.toMatchObject({
      code: 'EXCHANGE_REFUSED',
      message: 'GET /api/v3/time?symbol=X answered 400: {"code":-1121,"msg":"Invalid symbol."}',
    });
    expect(venue.requests).toHaveLength(1);
  });

  it('end with the client, or with the caller’s signal', async () => {
    const { http } = await open(() => 'never');
    const controller = new AbortController();
    const aborted = http.get(time, {}, 1, controller.signal);
    const closed = http.get(time, {}, 1);
    controller.abort(new Error('enough'));
    await expect(aborted).rejects.toThrow('enough');
    http.close();
    await expect(closed).rejects.toMatchObject({ code: 'UNAVAILABLE' });
  });
});

describe('answers', () => {
  it.each([
    ['a missing field', time, {}, '/api/v3/time', 'serverTime'],
    [
      'a number for text',
      klines,
      [[1_723_161_240_000, 1, '1', '1', '1', '1', 1, '1', 1, '1', '1', '0']],
      'klines',
      '/0/1',
    ],
    ['text for a list', klines, '"x"', 'klines', 'array'],
    ['a page', time, '<html>', '/api/v3/time', 'not JSON'],
  ])('%s: refused with endpoint and place', async (_what, endpoint, body, path, place) => {
    const { http, venue } = await open(() => ({ body }));
    const answer = http.get<unknown>(endpoint, {}, 1);
    await expect(answer).rejects.toMatchObject({ code: 'EXCHANGE_MALFORMED' });
    await expect(answer).rejects.toThrow(path);
    await expect(answer).rejects.toThrow(place);
    expect(venue.requests).toHaveLength(1);
  });
});
