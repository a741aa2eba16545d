import { writeSync } from 'node:fs';
import type { SerializedError } from 'vitest';
import type { Reporter, TestCase, TestModule, TestSuite } from 'vitest/node';
import './require.ts';

export interface Outcome {
  passed: number;
  failed: number;
  skipped: number;
  /** Skipped tests by what they need. */
  missing: Map<string, { remedy: string; tests: number }>;
  /** Skipped tests without a stated need. */
  unexplained: string[];
  /** Tests that passed only when they were run again. */
  unstable: string[];
}

/** Ends a run with what was skipped and how to enable it, and as the very last line `N passed, N failed, N skipped`. */
export default class SummaryReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const text = summary(count(modules, unhandledErrors.length));
    // Other reporters print until the process ends.
    process.once('exit', () => writeSync(1, text));
  }
}

/** Counts tests; an error outside of tests (a file that does not load, a hook, a stray rejection) counts as failed. */
export function count(modules: readonly TestModule[], strayErrors: number): Outcome {
  const outcome: Outcome = {
    passed: 0,
    failed: strayErrors,
    skipped: 0,
    missing: new Map(),
    unexplained: [],
    unstable: [],
  };
  for (const module of modules) {
    outcome.failed += module.errors().length;
    for (const suite of module.children.allSuites()) outcome.failed += suite.errors().length;
    for (const test of module.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') outcome.passed += 1;
      else if (state === 'failed') outcome.failed += 1;
      else addSkipped(outcome, test);
      if (state === 'passed' && test.diagnostic()?.flaky === true) outcome.unstable.push(nameOf(test));
    }
  }
  return outcome;
}

export function summary(outcome: Outcome): string {
  const lines: string[] = [];
  if (outcome.skipped > 0) {
    lines.push('', '!!! NOT TESTED on this machine (TICKLAKE_REQUIRE=all makes it a failure):');
    for (const [what, { remedy, tests }] of outcome.missing)
      lines.push(`!!!   ${what}: ${tests} tests. ${remedy}`);
    for (const name of outcome.unexplained) lines.push(`!!!   skipped without a reason: ${name}`);
  }
  if (outcome.unstable.length > 0) lines.push('', '!!! UNSTABLE, passed only when run again:');
  for (const name of outcome.unstable) lines.push(`!!!   ${name}`);
  lines.push('', `${outcome.passed} passed, ${outcome.failed} failed, ${outcome.skipped} skipped`, '');
  return lines.join('\n');
}

function addSkipped(outcome: Outcome, test: TestCase): void {
  outcome.skipped += 1;
  const need = needOf(test);
  if (need === undefined) {
    outcome.unexplained.push(nameOf(test));
    return;
  }
  const known = outcome.missing.get(need.what) ?? { remedy: need.remedy, tests: 0 };
  outcome.missing.set(need.what, { ...known, tests: known.tests + 1 });
}

function nameOf(test: TestCase): string {
  return `${test.module.relativeModuleId} > ${test.fullName}`;
}

function needOf(test: TestCase): { what: string; remedy: string } | undefined {
  let task: TestCase | TestSuite | TestModule = test;
  while (task.type !== 'module') {
    const need = task.meta().requires;
    if (need !== undefined) return need;
    task = task.parent;
  }
  return undefined;
}
