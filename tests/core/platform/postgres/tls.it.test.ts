import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadConfig, type Config } from '#core/platform/config.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase } from '#core/platform/postgres/connect.ts';
import { makeAuthority, opensslMissing, type Authority } from '#tests/support/certificates.ts';
import { startTestPostgres } from '#tests/support/postgres.ts';
import { requires } from '#tests/support/require.ts';
import { codeOf, logger } from './support.ts';

const missing = await opensslMissing();

describe('a Postgres over TLS', requires(missing === undefined, 'openssl', 'Install openssl.'), () => {
  let authority: Authority;
  let stranger: Authority;
  let server: Awaited<ReturnType<typeof startTestPostgres>>;
  let plain: Awaited<ReturnType<typeof startTestPostgres>>;

  beforeAll(async () => {
    [authority, stranger] = await Promise.all([makeAuthority('ours'), makeAuthority('theirs')]);
    const { certFile, keyFile } = await authority.issue('IP:127.0.0.1');
    const settings = ['ssl=on', `ssl_cert_file=${certFile}`, `ssl_key_file=${keyFile}`];
    [server, plain] = await Promise.all([startTestPostgres({ settings }), startTestPostgres()]);
  }, 60_000);
  afterAll(async () => {
    await Promise.all([server?.close(), plain?.close(), authority?.close(), stranger?.close()]);
  });

  function configured(databaseUrl: string, caFile?: string): Config {
    return loadConfig({
      env: { TICKLAKE_DATABASE_URL: databaseUrl, TICKLAKE_DATABASE_CA_FILE: caFile },
      cwd: '/',
    });
  }

  /** How connections are protected, where that of the migration and that of the pool both come about. */
  async function protection(config: Config): Promise<unknown> {
    const options = { applicationName: 'test', logger, metrics: new Metrics() };
    const connection = await connectDatabase(config, 'owner', options);
    try {
      const { rows } = await connection.database.query(
        'select ssl, version from pg_stat_ssl where pid = pg_backend_pid()',
      );
      return rows[0];
    } finally {
      await connection.close();
    }
  }

  it('is used by the authority that is configured, from the first connection on', async () => {
    expect(await protection(configured(server.url, authority.caFile))).toMatchObject({
      ssl: true,
      version: expect.stringMatching(/^TLSv1\.[23]$/) as unknown,
    });
    const url = new URL(server.url);
    url.searchParams.set('sslmode', 'verify-full');
    url.searchParams.set('sslrootcert', authority.caFile);
    expect(await protection(configured(url.href))).toMatchObject({ ssl: true });
  });

  it('is not used by another authority, under another name, or without TLS', async () => {
    const wrong = protection(configured(server.url, stranger.caFile));
    await expect(wrong).rejects.toMatchObject({
      code: 'DATABASE_WRONG',
      message: expect.stringMatching(/cannot be trusted/) as unknown,
      remedy: expect.stringMatching(/TICKLAKE_DATABASE_CA_FILE/) as unknown,
    });
    const elsewhere = new URL(server.url);
    elsewhere.hostname = 'localhost';
    expect(await codeOf(protection(configured(elsewhere.href, authority.caFile)))).toBe('DATABASE_WRONG');
    expect(await codeOf(protection(configured(plain.url, authority.caFile)))).toBe('DATABASE_WRONG');
    const unknown = new URL(server.url);
    unknown.searchParams.set('sslmode', 'verify-full');
    expect(await codeOf(protection(configured(unknown.href)))).toBe('DATABASE_WRONG');
  });
});
