import { existsSync, statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import packageJson from '#package.json' with { type: 'json' };
import { asvs, trustServices } from './requirements.ts';
import { root } from './sources.ts';

const states = ['done', 'partly', 'not done', 'n/a'] as const;
type State = (typeof states)[number];

interface Row {
  /** What the row is about: one number, or from one to another. */
  range: string;
  level: string | undefined;
  state: State;
  control: string;
  shownBy: string;
}

const text = await readFile(join(root, 'docs/compliance.md'), 'utf8');
const chapters = new Map(
  text
    .split(/^(?=### V\d+ )/m)
    .slice(1)
    .map((part) => [/^### (V\d+)/.exec(part)?.[1] ?? '', rowsOf(part.split('\n## ')[0] ?? '')]),
);
const criteria = rowsOf(text.split('\n## SOC 2')[1] ?? '');
const rows = [...[...chapters.values()].flat(), ...criteria];

function rowsOf(part: string): Row[] {
  const lines = part.split('\n').filter((line) => /^\| (\d|[A-Z]+\d)/.test(line));
  return lines.map((line) => {
    const cells = line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim());
    const [range = '', ...rest] = cells;
    const level = rest.length === 5 ? rest.shift() : undefined;
    const [, state = '', control = '', shownBy = ''] = rest;
    expect(rest, line).toHaveLength(4);
    expect(states, line).toContain(state);
    return { range, level, state: state as State, control, shownBy };
  });
}

function numbersOf({ range }: Row, all: readonly string[]): string[] {
  const [first = '', last = first] = range.split('–');
  expect(all, range).toContain(first);
  expect(all, range).toContain(last);
  return all.slice(all.indexOf(first), all.indexOf(last) + 1);
}

function inOrder(numbers: string): string[] {
  const key = (number: string): number =>
    number.split('.').reduce((sum, part) => sum * 1_000 + Number(part), 0);
  return numbers
    .split(' ')
    .filter((number) => number !== '')
    .toSorted((a, b) => key(a) - key(b));
}

const allCriteria = Object.entries(trustServices).flatMap(([name, count]) =>
  Array.from({ length: count }, (_, at) => `${name}.${at + 1}`),
);

describe('every requirement', () => {
  it('is counted as the standard has it', () => {
    const levels = Object.values(asvs);
    expect(levels.flatMap(({ level1 }) => inOrder(level1))).toHaveLength(70);
    expect(levels.flatMap(({ level2 }) => inOrder(level2))).toHaveLength(183);
    expect([...chapters.keys()]).toEqual(Object.keys(asvs));
  });

  it.each(Object.keys(asvs))('of %s stands once, under its level', (chapter) => {
    const { level1 = '', level2 = '' } = asvs[chapter] ?? {};
    const all = inOrder(`${level1} ${level2}`);
    const found = chapters.get(chapter) ?? [];
    expect(found.flatMap((row) => numbersOf(row, all))).toEqual(all);
    for (const row of found) {
      const levels = numbersOf(row, all).map((number) => (inOrder(level1).includes(number) ? '1' : '2'));
      expect(row.level, row.range).toBe([...new Set(levels)].toSorted().join(', '));
    }
  });

  it('of SOC 2 stands once', () => {
    expect(criteria.flatMap((row) => numbersOf(row, allCriteria))).toEqual(allCriteria);
  });
});

it('sums are those of the rows', () => {
  const count = (some: readonly Row[], all: readonly string[]): number[] => {
    const sums = states.map(
      (state) => some.filter((row) => row.state === state).flatMap((row) => numbersOf(row, all)).length,
    );
    return [...sums, sums.reduce((sum, of) => sum + of, 0)];
  };
  const numbersIn = (chapter: string): string[] =>
    inOrder(`${asvs[chapter]?.level1 ?? ''} ${asvs[chapter]?.level2 ?? ''}`);
  const byChapter = [...chapters].map(([chapter, some]) => count(some, numbersIn(chapter)));
  const total = byChapter.reduce((sums, some) => sums.map((sum, at) => sum + (some[at] ?? 0)));
  const written = [...text.matchAll(/^\| (?:V\d+ |\*\*)[^|]*((?:\| \d+ ){5})\|$/gm)].map(([, cells = '']) =>
    [...cells.matchAll(/\d+/g)].map(([figure]) => Number(figure)),
  );
  expect(written).toEqual([...byChapter, total, count(criteria, allCriteria)]);
});

describe('every row', () => {
  it('that is done has a control and what shows it; what is not says what is needed', () => {
    for (const { range, state, control, shownBy } of rows) {
      expect(control, range).not.toBe('');
      if (state === 'done') expect(shownBy, range).toMatch(/`tests\//);
      if (state === 'not done') expect(control, range).toMatch(/Needed: /);
      if (state === 'partly') expect(control, range).toMatch(/Needed/);
      if (state === 'done') expect(control, range).not.toMatch(/Needed/);
    }
  });

  it('names files that are there', () => {
    const named = [
      ...text.matchAll(
        /`((?:api|core|pipelines|cli|dashboards|sql|tests|docs|deploy|transforms|\.ci)\/[^`\s]*)`/g,
      ),
    ];
    expect(named.length).toBeGreaterThan(200);
    const missing = named.map(([, path = '']) => path).filter((path) => !existsSync(join(root, path)));
    expect([...new Set(missing)]).toEqual([]);
  });

  it('names tests that are there', async () => {
    const wrong: string[] = [];
    for (const { range, shownBy } of rows) {
      for (const [, path = '', title] of shownBy.matchAll(/`(tests\/[^`]+)`(?: "([^"]+)")?/g)) {
        const isFile = /\.test\.ts$/.test(path);
        const isFolder = !isFile && existsSync(join(root, path)) && statSync(join(root, path)).isDirectory();
        if (!isFile && !isFolder) wrong.push(`${range}: ${path} is no test`);
        if (title === undefined || !isFile) continue;
        const code = (await readFile(join(root, path), 'utf8')).replaceAll(/\s+/g, ' ');
        if (!code.includes(title)) wrong.push(`${range}: ${path} has no "${title}"`);
      }
    }
    expect(wrong).toEqual([]);
  });

  it('names commands that are there', () => {
    const commands = [...text.matchAll(/`npm run ([\w:]+)/g)].map(([, name = '']) => name);
    expect(commands.filter((name) => !(name in packageJson.scripts))).toEqual([]);
  });
});

it('links lead somewhere', async () => {
  const documents = ['docs/compliance.md', 'docs/security.md'];
  for (const document of documents) {
    const source = await readFile(join(root, document), 'utf8');
    for (const [, target = ''] of source.matchAll(/\]\((?!https?:)([^)]+)\)/g)) {
      const [file = '', anchor] = target.split('#');
      const path = file === '' ? join(root, document) : join(root, dirname(document), file);
      expect(existsSync(path), `${document}: ${target}`).toBe(true);
      if (anchor === undefined) continue;
      const headings = [...(await readFile(path, 'utf8')).matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) =>
        heading
          .toLowerCase()
          .replaceAll(/[^\w -]/g, '')
          .replaceAll(' ', '-'),
      );
      expect(headings, `${document}: ${target}`).toContain(anchor);
    }
  }
});
