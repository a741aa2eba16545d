import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { giveRole } from '#core/identity/users.ts';
import type { User } from '#api/schemas/identity.ts';
import { pythonEnvironment, pythonRemedy } from '#tests/support/python.ts';
import { requires } from '#tests/support/require.ts';
import { openTradingGround, type TradingGround } from './trading-ground.ts';

const environment = await pythonEnvironment('schemathesis');
const examplesPerOperation = 4;
const runMs = 240_000;

describe(
  'what the document allows, and more',
  requires(environment !== undefined, 'schemathesis', pythonRemedy),
  () => {
    let trading: TradingGround;
    let url: string;
    let dir: string;

    beforeAll(async () => {
      dir = await mkdtemp(join(tmpdir(), 'ticklake-schemathesis-'));
      trading = await openTradingGround();
      url = await trading.service.app.listen({ host: '127.0.0.1', port: 0 });
    });

    afterAll(async () => {
      await trading.close();
      await rm(dir, { recursive: true });
    });

    async function admin(): Promise<string> {
      const token = await trading.signUp('admin@example.com');
      const { id } = await trading.ask<User>('GET', '/v1/users/me', { token });
      await giveRole(trading.ground.database, id, 'admin');
      trading.service.identity.sessions.forget(id);
      await trading.openPortfolio(token);
      return token;
    }

    /** Answers so far, by the class of their status. */
    async function answers(): Promise<Map<string, number>> {
      const counts = new Map<string, number>();
      const metric = await trading.service.metrics.registry
        .getSingleMetric('ticklake_api_request_seconds')
        ?.get();
      for (const { labels, value, ...more } of metric?.values ?? []) {
        if (!('metricName' in more) || more.metricName !== 'ticklake_api_request_seconds_count') continue;
        const status = `${String(labels['status'])[0] ?? ''}xx`;
        counts.set(status, (counts.get(status) ?? 0) + value);
      }
      return counts;
    }

    it(
      'is answered by no error of the service, as nobody and as who may do all',
      { timeout: 2 * runMs },
      async () => {
        for (const token of [undefined, await admin()]) {
          const before = await answers();
          const asked = [
            ...[
              '-m',
              'schemathesis.cli',
              'run',
              `${url}/openapi.json`,
              '--phases',
              'examples,fuzzing',
              '--seed',
              '7',
              '--no-color',
            ],
            ...[
              '-n',
              String(examplesPerOperation),
              '--checks',
              'not_a_server_error,response_schema_conformance',
            ],
            // They would end the session that the rest is asked with.
            ...['/v1/sessions/current', '/v1/sessions/end', '/v1/users/me/password'].flatMap((path) => [
              '--exclude-path',
              path,
            ]),
            ...['--warnings', 'off', '--suppress-health-check', 'all'],
            ...(token === undefined ? [] : ['-H', `Authorization: Bearer ${token}`]),
          ];
          const { stdout, exitCode } = await execa(environment?.python ?? '', asked, {
            cwd: dir,
            reject: false,
            timeout: runMs,
          });
          expect(exitCode, stdout.slice(-6_000)).toBe(0);
          const after = await answers();
          const count = (status: string) => (after.get(status) ?? 0) - (before.get(status) ?? 0);
          expect(count('5xx'), stdout.slice(-6_000)).toBe(0);
          expect(count('4xx')).toBeGreaterThan(100);
          expect(count('2xx')).toBeGreaterThan(50);
        }
      },
    );
  },
);
