import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApi } from '#api/server.ts';
import { loadConfig, type Config } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';

let ground: TestLake;

beforeAll(async () => {
  ground = await openTestLake();
});

afterAll(async () => {
  await ground.close();
});

function start(overrides: Partial<Config>) {
  const { lake, log, database, spillDir, dir } = ground;
  const config = {
    ...loadConfig({ env: {}, cwd: dir, overrides: { dataDir: dir, apiPort: 0 } }),
    ...overrides,
  };
  const logger = createLogger({ level: 'silent', name: 'api' });
  return startApi({ config, lake, log, database, spillDir, logger, metrics: new Metrics() });
}

describe('the process', () => {
  it('serves on the address it says', async () => {
    const api = await start({});
    const answer = await fetch(`${api.url}/health/ready`);
    expect(await answer.json()).toEqual({ ready: true });
    await api.close();
    await expect(fetch(`${api.url}/health/ready`)).rejects.toThrow();
  });

  it('says that a port is taken, and what to do', async () => {
    const first = await start({});
    const apiPort = Number(new URL(first.url).port);
    await expect(start({ apiPort })).rejects.toMatchObject({
      code: 'PORT_IN_USE',
      message: expect.stringContaining(String(apiPort)),
      remedy: expect.stringContaining('--port'),
    });
    await first.close();
  });

  it('listens on other addresses only inside a container, or where it is public', async () => {
    await expect(start({ apiHost: '0.0.0.0' })).rejects.toMatchObject({ code: 'CONFIG_INVALID' });
    const inside = await start({ apiHost: '0.0.0.0', apiInsideContainer: true });
    expect(new URL(inside.url).hostname).toBe('127.0.0.1');
    expect((await fetch(`${inside.url}/health/ready`)).status).toBe(200);
    await inside.close();
    const proxied = { apiPublic: true, apiTrustedProxies: ['127.0.0.1'] };
    const open = await start({ apiHost: '0.0.0.0', ...proxied });
    expect((await fetch(`${open.url}/v1/markets`)).status).toBe(400);
    expect(
      (await fetch(`${open.url}/v1/markets`, { headers: { 'x-forwarded-proto': 'https' } })).status,
    ).toBe(200);
    await open.close();
  });
});
