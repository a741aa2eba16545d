import { generateKeyPair } from 'node:crypto';
import { rename } from 'node:fs/promises';
import { promisify } from 'node:util';
import { messageOf, TicklakeError } from '#core/platform/errors.ts';
import { ensureSecretFile, writeSecretFile } from '#core/platform/secret-file.ts';
import { modulusBits, readKeyFile, type StoredKey } from './signing-key.ts';

/** Longer than the key set may be remembered by who checks tokens elsewhere. */
export const leadMs = 600_000;

/** Makes the file where it is missing, whole or not at all. */
export async function ensureKeyFile(path: string): Promise<void> {
  await ensureSecretFile(path, newKey);
}

/**
 * Puts a new key on top. It signs from {@link leadMs} on, so that all who check tokens know it by then; what the older ones
 * signed goes on counting until it is over, and they are taken away by the next change after that. With `isRevoking` it signs
 * at once and the older ones are gone: all sessions end.
 * @throws CONFLICT while another change is under way; CONFIG_INVALID for a file that cannot be read or written
 */
export async function rotateKeys(
  path: string,
  { isRevoking, nowMs = Date.now() }: { isRevoking: boolean; nowMs?: number },
): Promise<StoredKey[]> {
  const draft = `${path}.new`;
  const pem = await newKey();
  const kept = isRevoking ? [] : (await readKeyFile(path)).filter((key) => key.believedUntilMs > nowMs);
  if (kept.some(({ signsFromMs }) => signsFromMs > nowMs)) {
    throw new TicklakeError('CONFLICT', 'a new key waits to sign already', {
      remedy: '`ticklake keys list` says from when on it does; --revoke takes all away.',
    });
  }
  const parts = [
    entry(pem, isRevoking ? nowMs : nowMs + leadMs),
    ...kept.map((key) => entry(key.pem, key.signsFromMs)),
  ];
  try {
    await writeSecretFile(draft, `${parts.join('\n')}\n`);
    await rename(draft, path);
  } catch (error) {
    throw cannotWrite(path, draft, error);
  }
  return await readKeyFile(path);
}

function entry(pem: string, signsFromMs: number): string {
  const line = Number.isFinite(signsFromMs) ? `# signs from ${new Date(signsFromMs).toISOString()}\n` : '';
  return `${line}${pem.trim()}`;
}

async function newKey(): Promise<string> {
  const { privateKey } = await promisify(generateKeyPair)('rsa', { modulusLength: modulusBits });
  return privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
}

function cannotWrite(path: string, draft: string, error: unknown): TicklakeError {
  if (error instanceof Error && 'code' in error && error.code === 'EEXIST') {
    return new TicklakeError('CONFLICT', `another change of ${path} is under way, or was broken off`, {
      cause: error,
      remedy: `Where none is under way, delete ${draft} and try again.`,
    });
  }
  return new TicklakeError('CONFIG_INVALID', `${path} cannot be written: ${messageOf(error)}`, {
    cause: error,
    remedy: 'Change the file where it comes from: a new key on top, under a line `# signs from TIME`.',
  });
}
