import { stat } from 'node:fs/promises';
import type { Metrics } from '#core/platform/metrics.ts';
import { ensureKeyFile } from './key-file.ts';
import { keyFileOf, keysAt, readKeyFile, type KeyPlace, type SigningKeys } from './signing-key.ts';

/** The keys of a file as it is, however often it is changed. */
export interface KeyRing {
  /** Those of the moment; a change of the file counts within a second. */
  current(): Promise<SigningKeys>;
}

const recheckMs = 1_000;

/** Makes the file at first use, where none is named. @throws CONFIG_INVALID where the file holds no key */
export async function openKeyRing({ metrics, ...place }: KeyPlace & { metrics: Metrics }): Promise<KeyRing> {
  const failures = metrics.counter(
    'ticklake_identity_key_file_failures_total',
    'Times the file of signing keys could not be read again',
  );
  const path = keyFileOf(place);
  if (place.keyFile === undefined) await ensureKeyFile(path);
  let version = '';
  let keys = await readKeyFile(path);
  let view = keysAt(keys, Date.now());
  let checkedAtMs = Date.now();
  let checking: Promise<void> | undefined;

  return {
    async current() {
      if (Date.now() - checkedAtMs >= recheckMs) {
        checking ??= check().finally(() => (checking = undefined));
        await checking;
      }
      return view;
    },
  };

  /** A file that is gone or broken is no reason to turn everybody away: the keys that were read count on. */
  async function check(): Promise<void> {
    try {
      const found = await versionOf(path);
      if (found !== version) {
        keys = await readKeyFile(path);
        version = found;
      }
    } catch {
      failures.inc();
    }
    checkedAtMs = Date.now();
    view = keysAt(keys, checkedAtMs);
  }
}

async function versionOf(path: string): Promise<string> {
  const { ino, size, mtimeNs } = await stat(path, { bigint: true });
  return `${ino} ${size} ${mtimeNs}`;
}
