import type { Command } from 'commander';
import { PassThrough } from 'node:stream';
import { describe, expect, test } from 'vitest';
import { createProgram } from '#cli/main.ts';
import packageJson from '#package.json' with { type: 'json' };
import { runCli } from './support.ts';

function commandsBelow(command: Command): Command[] {
  return command.commands.flatMap((child) => [child, ...commandsBelow(child)]);
}

function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

const nowhere = {
  env: {},
  cwd: '/',
  stdin: new PassThrough(),
  stdout: new PassThrough(),
  stderr: new PassThrough(),
};
const { program } = await createProgram([], nowhere);
const leaves = commandsBelow(program).filter((command) => command.commands.length === 0);

describe('help', () => {
  test('--help and --version end well, on stdout', async () => {
    const help = await runCli(['--help']);
    expect(help).toMatchObject({ code: 0, stderr: '' });
    for (const option of ['--data-dir', '--json', '--log-level', '--config'])
      expect(help.stdout).toContain(option);
    expect(await runCli(['--version'])).toEqual({ code: 0, stdout: `${packageJson.version}\n`, stderr: '' });
  });

  test.each(leaves.map(pathOf))(
    '%s has a description, an example that starts with its name, and the global options',
    async (path) => {
      const { code, stdout } = await runCli([...path.split(' ').slice(1), '--help']);
      expect(code).toBe(0);
      expect(stdout).toMatch(new RegExp(`Examples?:\\n(  .*\\n)*?  ${path}`));
      expect(stdout).toContain('--json');
      expect(leaves.find((leaf) => pathOf(leaf) === path)?.description()).not.toBe('');
    },
  );

  test('a noun alone shows its help and is a usage error', async () => {
    const { code, stdout, stderr } = await runCli(['config']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(stderr).toContain('ticklake config');
  });
});

describe('errors', () => {
  test.each([[['confg']], [['config', 'shw']], [['config', 'show', '--jsn']], [['--data-dir']]])(
    '%j is a usage error, in one line',
    async (argv) => {
      const { code, stdout, stderr } = await runCli(argv);
      expect(code).toBe(2);
      expect(stdout).toBe('');
      expect(stderr).toMatch(
        /^ticklake: .*\. See `ticklake --help`\.\n$|^ticklake: .*\) See `ticklake --help`\.\n$/,
      );
    },
  );

  test('the error decides the exit code, and with --json is the one document on stdout', async () => {
    const env = { TICKLAKE_API_PORT: 'http' };
    const plain = await runCli(['config', 'show'], env);
    expect(plain).toMatchObject({ code: 64, stdout: '' });
    expect(plain.stderr).toMatch(/^ticklake: Configuration: TICKLAKE_API_PORT is text.*\n$/);

    const { code, stdout, stderr } = await runCli(['config', 'show', '--json'], env);
    expect(code).toBe(64);
    expect(stderr).toBe(plain.stderr);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'CONFIG_INVALID', retryable: false } });
  });

  test('usage errors are a JSON document too', async () => {
    const { stdout } = await runCli(['confg', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'USAGE', retryable: false } });
  });

  test('what stands behind -- is not an option', async () => {
    const { stdout, code } = await runCli(['config', 'show', '--', '--json']);
    expect(code).toBe(2);
    expect(stdout).toBe('');
  });
});
