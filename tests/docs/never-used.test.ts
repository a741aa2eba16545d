import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { root, sourcesOf } from './sources.ts';

const service = await sourcesOf('core', 'api', 'pipelines', 'cli');
const page = await sourcesOf('dashboards/web/src', 'api/client');

/** Places where a pattern stands, but for those that may have it. */
function places(sources: typeof service, pattern: RegExp, allowed: readonly string[] = []): string[] {
  return sources
    .filter(({ path, text }) => pattern.test(text) && !allowed.some((place) => path.startsWith(place)))
    .map(({ path }) => path);
}

it('there is something to look at', () => {
  expect(service.length).toBeGreaterThan(300);
  expect(page.length).toBeGreaterThan(30);
});

it.each([
  ['code made of text', /\beval\(|new Function\(|from 'node:vm'/],
  [
    'commands by way of a shell',
    /\bexecSync\(|\bexecaCommand|shell: true|from 'node:child_process'.*\bexec\b/,
  ],
  ['hashes that are broken', /createHash\('(md5|sha1)'|createHmac\('(md5|sha1)'/i],
  ['ciphers without authentication', /createCipheriv\('[^']*-(ecb|cbc|ctr|cfb|ofb)/i],
  ['certificates that nobody checks', /rejectUnauthorized: false|NODE_TLS_REJECT_UNAUTHORIZED/],
  ['XML, LDAP and templates', /from '(xml2js|fast-xml-parser|libxmljs|ldapjs|ejs|handlebars|pug|mustache)/],
  ['redirects', /\breply\.redirect\(/],
  ['JSONP', /\bjsonp\b|[?&]callback=/i],
  ['the console', /\bconsole\.\w+\(/],
])('the service has no %s', (_, pattern) => {
  expect(places(service, pattern)).toEqual([]);
});

it('random values that nobody may guess come from node:crypto: Math.random spreads waiting alone', () => {
  const lines = [...service, ...page].flatMap(({ path, text }) =>
    text
      .split('\n')
      .filter((line) => line.includes('Math.random'))
      .map((line) => `${path}: ${line.trim()}`),
  );
  expect(lines.filter((line) => !/sleep|Ms\b|random: \(\) => number/.test(line))).toEqual([]);
});

it('patterns are made of no text that a user sends', () => {
  const known = [
    ...['core/platform/python.ts', 'core/lake/sandbox/memory.ts', 'core/lake/compact.ts'],
    ...['core/exchanges/simulator/orders/terms.ts', 'api/trading/cursors.ts'],
  ];
  expect(places(service, /new RegExp\(/, known)).toEqual([]);
});

it.each([
  ['HTML made of text', /innerHTML|outerHTML|insertAdjacentHTML|dangerouslySetInnerHTML|document\.write/],
  ['code made of text', /\beval\(|new Function\(|javascript:/],
  ['messages between windows', /postMessage\(|window\.(addEventListener\('message'|onmessage)/],
  ['plug-ins', /<(object|embed|applet|iframe)\b/],
  ['what comes from elsewhere', /(src|href)=["'{`]+https?:/],
  ['other stores of the browser', /sessionStorage|indexedDB|caches\.open/],
])('the page has no %s', (_, pattern) => {
  expect(places(page, pattern)).toEqual([]);
});

it('the page keeps in the browser what is drawn and which portfolio was chosen, and nothing else', () => {
  const allowed = [
    'dashboards/web/src/components/trade-view.tsx',
    'dashboards/web/src/state/use-portfolios.ts',
  ];
  expect(places(page, /localStorage/, allowed)).toEqual([]);
  const keys = page.flatMap(({ text }) =>
    [...text.matchAll(/(?:setItem|getItem)\((\w+)/g)].map(([, key]) => key),
  );
  expect([...new Set(keys)].toSorted()).toEqual(['chosenKey', 'storageKey']);
});

it('no user comes with the database', async () => {
  const folder = join(root, 'sql/migrations');
  for (const name of await readdir(folder)) {
    expect(await readFile(join(folder, name), 'utf8'), name).not.toMatch(/insert\s+into\s+identity\.users/i);
  }
});

it('every package is pinned with its hash', async () => {
  interface Lock {
    packages: Record<string, { version?: string; integrity?: string; link?: boolean }>;
  }
  const { packages } = JSON.parse(await readFile(join(root, 'package-lock.json'), 'utf8')) as Lock;
  const unproven = Object.entries(packages).filter(
    ([name, { integrity = '' }]) => name !== '' && !/^sha(512|256)-/.test(integrity),
  );
  expect(unproven).toEqual([]);
  const python = await readFile(join(root, 'transforms/requirements.lock'), 'utf8');
  const entries = python
    .split(/\n(?=[a-z0-9])/i)
    .filter((entry) => /^[a-z0-9][\w.-]*(\[.*\])?==/i.test(entry));
  expect(entries.length).toBeGreaterThan(30);
  expect(entries.filter((entry) => !entry.includes('--hash=sha256:'))).toEqual([]);
});
