import { existsSync } from 'node:fs';
import { chromium, type Browser } from 'playwright-core';

const candidates = [process.env['CHROMIUM_PATH'], '/usr/bin/chromium', '/usr/bin/chromium-browser'];
const executablePath = candidates.find((path): path is string => path !== undefined && existsSync(path));

/** For `requires(…)`: whether there is a browser, and how to get one. */
export const browserRequirement = [
  executablePath !== undefined,
  'a browser (Chromium)',
  'Install it: apt-get install -y chromium, or name one by CHROMIUM_PATH.',
] as const;

/** A real browser without a window, that talks to nobody by itself. */
export async function launchBrowser(): Promise<Browser> {
  if (executablePath === undefined) throw new Error('there is no Chromium on this machine');
  const asRoot = process.getuid?.() === 0;
  return await chromium.launch({
    executablePath,
    args: [
      ...['--disable-gpu', '--disable-quic', '--no-first-run', '--disable-background-networking'],
      ...['--disable-component-update', '--disable-sync'],
      // The sandbox refuses to run as root.
      ...(asRoot ? ['--no-sandbox'] : []),
    ],
  });
}
