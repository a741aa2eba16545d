import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { keysPerUserMax } from '#core/identity/api-keys.ts';
import { resetHours } from '#core/identity/change-password.ts';
import { commonPasswords, serviceWords } from '#core/identity/guessable.ts';
import { leadMs } from '#core/identity/key-file.ts';
import { allowedFromAddress, allowedFromAll } from '#core/identity/lock-out.ts';
import { passwordBytesMax, passwordCost, passwordLengthMin } from '#core/identity/passwords.ts';
import { believedMs, idleMsMax, sessionsPerUserMax } from '#core/identity/sessions.ts';
import { modulusBits, tokenMsMax } from '#core/identity/signing-key.ts';
import { socketsPerAddressMax } from '#api/stream/places.ts';
import { root, sourcesOf } from './sources.ts';

const text = await readFile(join(root, 'docs/security.md'), 'utf8');

it('says the figures that the code keeps to', () => {
  const rows = [...text.matchAll(/^\| [^|]+ \| (\d+) \| `(\w+)` \|$/gm)].map(([, figure, name]) => [
    name,
    figure,
  ]);
  const hourMs = 3_600_000;
  const figures = {
    ...{ passwordLengthMin, passwordBytesMax, passwordCost, allowedFromAddress, allowedFromAll, resetHours },
    ...{ tokenMsMax: tokenMsMax / hourMs, idleMsMax: idleMsMax / hourMs, sessionsPerUserMax, keysPerUserMax },
    ...{ believedMs: believedMs / 1_000, leadMs: leadMs / 60_000, modulusBits, socketsPerAddressMax },
  };
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(figures).map(([name, figure]) => [name, String(figure)])),
  );
});

it('says which passwords are refused', async () => {
  expect(text).toContain((await commonPasswords(passwordLengthMin)).size.toLocaleString('en'));
  expect(text).toContain(serviceWords.map((word) => `\`${word}\``).join(' '));
});

it('has every place of the code that uses cryptography', async () => {
  const sources = await sourcesOf('core', 'api', 'pipelines', 'cli');
  const imported = /import (?:type )?\{([^}]*)\} from '(?:node:crypto|node:tls|jose|@node-rs\/bcrypt)'/g;
  const plain = /^(type )?(randomUUID|timingSafeEqual|KeyObject|X509Certificate)$/;
  const users = sources.filter(({ text: code }) =>
    [...code.matchAll(imported)].some(([, names = '']) =>
      names.split(',').some((name) => name.trim() !== '' && !plain.test(name.trim())),
    ),
  );
  expect(users.length).toBeGreaterThan(20);
  const [, inventory = ''] = text.split('## Keys and algorithms');
  const [table = ''] = inventory.split('\n## ');
  const listed = [...table.matchAll(/`((?:core|api|pipelines|cli)\/[^`]*)`/g)].map(([, place = '']) => place);
  const missing = users
    .map(({ path }) => path)
    .filter((path) => !listed.some((place) => path.startsWith(place)));
  expect(missing, 'add them to "Keys and algorithms" of docs/security.md').toEqual([]);
  const unused = listed.filter((place) => !users.some(({ path }) => path.startsWith(place)));
  expect(unused).toEqual([]);
});
