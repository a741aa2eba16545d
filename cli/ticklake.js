#!/usr/bin/env node
// Plain JavaScript, as it must run on the Node it may have to refuse: the rest needs one that runs TypeScript.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import module from 'node:module';
import { constants } from 'node:os';
import { fileURLToPath } from 'node:url';

const main = fileURLToPath(new URL('main.ts', import.meta.url));
// Of this installation alone: who can write compiled code can run it.
const compiled = fileURLToPath(new URL('../node_modules/.cache/ticklake', import.meta.url));
const ownNode = fileURLToPath(new URL('../node_modules/.bin/node', import.meta.url));

if (isNewEnough(process.versions.node)) {
  module.enableCompileCache(compiled);
  const { run } = await import(main);
  const code = await run(process.argv.slice(2));
  // A command that did its work may still have asked for another code, as one that was interrupted does.
  process.exitCode ||= code;
} else if (existsSync(ownNode)) {
  relaunch();
} else {
  process.stderr.write(
    `ticklake: Node ${process.versions.node} is too old, 22.18 or newer is needed. Run \`npm ci\`, which brings one, or install it.\n`,
  );
  process.exitCode = 64;
}

function isNewEnough(version) {
  const [major, minor] = version.split('.').map(Number);
  return major > 22 || (major === 22 && minor >= 18);
}

function relaunch() {
  const self = fileURLToPath(import.meta.url);
  const flags = [...process.execArgv, '--disable-warning=ExperimentalWarning'];
  const child = spawn(ownNode, [...flags, self, ...process.argv.slice(2)], { stdio: 'inherit' });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(signal, () => {
      // A terminal gives Ctrl-C to the child as well; a second one would mean "stop at once".
      if (signal !== 'SIGINT' || !process.stdin.isTTY) child.kill(signal);
    });
  }
  child.on('error', (error) => {
    process.stderr.write(`ticklake: ${ownNode} does not run: ${error.message}. Run \`npm ci\` again.\n`);
    process.exitCode = 64;
  });
  child.on('exit', (code, signal) => {
    process.exitCode = code ?? 128 + constants.signals[signal];
  });
}
