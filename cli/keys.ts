import type { Command } from 'commander';
import { rotateKeys } from '#core/identity/key-file.ts';
import { keyFileOf, keysAt, readKeyFile, type StoredKey } from '#core/identity/signing-key.ts';
import type { CliContext } from './context.ts';
import { table } from './output.ts';

interface ShownKey {
  kid: string;
  state: 'signs' | 'waits' | 'believed' | 'over';
  signsFrom: string | null;
  believedUntil: string | null;
}

/** `ticklake keys`: what sessions are signed with. */
export function register(program: Command, context: CliContext): void {
  const keys = program.command('keys').description('the keys that sessions are signed with');
  keys
    .command('list')
    .description('keys, the newest first, and until when they count')
    .addHelpText('after', '\nExample:\n  ticklake keys list')
    .action(async () => show(context, await readKeyFile(fileOf(context))));
  keys
    .command('rotate')
    .option('--revoke', 'take all others away at once, where one became known: everybody signs in anew')
    .description('put a new key on top, which signs in ten minutes; nobody need sign in anew')
    .addHelpText('after', '\nExample:\n  ticklake keys rotate')
    .action(async ({ revoke = false }: { revoke?: boolean }) =>
      show(context, await rotateKeys(fileOf(context), { isRevoking: revoke })),
    );
}

function fileOf(context: CliContext): string {
  const { dataDir, sessionKeyFile } = context.config();
  return keyFileOf({ dataDir, keyFile: sessionKeyFile });
}

function show(context: CliContext, keys: readonly StoredKey[]): void {
  const shown = shownAt(keys, Date.now());
  context.output.result(shown, () =>
    table(
      ['key', 'state', 'signs from', 'believed until'],
      shown.map(({ kid, state, signsFrom, believedUntil }) => [kid, state, signsFrom, believedUntil]),
    ),
  );
}

function shownAt(keys: readonly StoredKey[], nowMs: number): ShownKey[] {
  const { kid: signing } = keysAt(keys, nowMs);
  return keys.map(({ kid, signsFromMs, believedUntilMs }) => ({
    kid,
    state:
      kid === signing
        ? 'signs'
        : signsFromMs > nowMs
          ? 'waits'
          : believedUntilMs > nowMs
            ? 'believed'
            : 'over',
    signsFrom: timeOf(signsFromMs),
    believedUntil: timeOf(believedUntilMs),
  }));
}

function timeOf(ms: number): string | null {
  return Number.isFinite(ms) ? new Date(ms).toISOString() : null;
}
