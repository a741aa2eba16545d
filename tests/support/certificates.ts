import { chmod, chown, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { isRoot, serverUid } from '#core/platform/postgres/binaries.ts';

/** An authority of a test's own. */
export interface Authority {
  /** Its certificate. */
  readonly caFile: string;
  /** A certificate and its key for a server of these names (`DNS:localhost`, `IP:127.0.0.1`). */
  issue(...names: string[]): Promise<{ certFile: string; keyFile: string; pem: string }>;
  close(): Promise<void>;
}

/** Why no certificates can be made here, for `requires`; undefined where they can. */
export async function opensslMissing(): Promise<string | undefined> {
  const { failed } = await execa('openssl', ['version'], { reject: false });
  return failed ? 'Tests of TLS need openssl on the PATH' : undefined;
}

export async function makeAuthority(name: string): Promise<Authority> {
  const dir = await mkdtemp(join(tmpdir(), 'ticklake-authority-'));
  await chmod(dir, 0o755);
  const openssl = async (...args: string[]): Promise<void> =>
    void (await execa('openssl', args, { cwd: dir }));
  const curve = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes'];
  await openssl(
    'req',
    '-x509',
    ...curve,
    ...`-days 2 -keyout ca.key -out ca.pem -subj /CN=${name}`.split(' '),
  );
  let issued = 0;
  return {
    caFile: join(dir, 'ca.pem'),
    async issue(...names) {
      issued += 1;
      const of = `server${issued}`;
      await writeFile(join(dir, `${of}.ext`), `subjectAltName=${names.join(',')}\n`);
      await openssl('req', ...curve, ...`-keyout ${of}.key -out ${of}.csr -subj /CN=${of}`.split(' '));
      const sign = `-req -in ${of}.csr -CA ca.pem -CAkey ca.key -CAcreateserial -days 2 -extfile ${of}.ext`;
      await openssl('x509', ...sign.split(' '), '-out', `${of}.pem`);
      const [certFile, keyFile] = [join(dir, `${of}.pem`), join(dir, `${of}.key`)];
      await chmod(keyFile, 0o600);
      const pem = `${await readFile(keyFile, 'utf8')}${await readFile(certFile, 'utf8')}`;
      // Postgres, which does not run as root, reads no key that others own.
      if (isRoot()) await chown(keyFile, serverUid, serverUid);
      return { certFile, keyFile, pem };
    },
    async close() {
      await rm(dir, { recursive: true, force: true });
    },
  };
}
