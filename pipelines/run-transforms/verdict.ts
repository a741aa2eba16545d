import { tableId } from '#core/lake/tables.ts';
import type { Artifacts, TestResult } from './artifacts.ts';
import type { Mart } from './marts.ts';

/** Whether a mart may be published, and if not, why. */
export interface Verdict {
  mart: Mart;
  status: 'ready' | 'blocked' | 'failed';
  /** In one sentence, for people; null where it is ready. */
  because: string | null;
  /** Tests of error severity that it, or what it is made of, has failed. */
  failed: readonly TestResult[];
}

/** A mart is ready when it was built and no test of error severity failed on it, or on anything that it is made of. */
export function verdictOf(mart: Mart, { models, tests }: Artifacts): Verdict {
  const result = models.get(mart.model);
  const upstream = result?.upstream ?? [mart.model];
  const failed = tests.filter(
    (test) => hasFailed(test) && test.judges.some((model) => upstream.includes(model)),
  );
  const [first] = failed;
  if (first !== undefined) {
    const more = failed.length > 1 ? `, and ${failed.length - 1} more` : '';
    return { mart, status: 'blocked', because: `${failureOf(first)}${more}`, failed };
  }
  if (result?.status === 'success') return { mart, status: 'ready', because: null, failed };
  const broken = upstream
    .flatMap((model) => models.get(model) ?? [])
    .find(({ status }) => status === 'error');
  const because =
    broken === undefined
      ? `dbt did not build ${tableId(mart.table)}`
      : `the model ${broken.model} failed: ${oneLine(broken.message)}`;
  return { mart, status: 'failed', because, failed };
}

/** Whether a test keeps a mart from being published. */
export function hasFailed({ status, severity }: TestResult): boolean {
  return status === 'error' || (status === 'fail' && severity === 'error');
}

function failureOf({ test, relation, status, failures, message }: TestResult): string {
  if (status === 'error') return `the test ${test} of ${relation} could not be run: ${oneLine(message)}`;
  return `the test ${test} of ${relation} failed on ${failures ?? 'some'} rows`;
}

function oneLine(text: string | null): string {
  return (text ?? 'dbt does not say why').replaceAll(/\s+/g, ' ').trim();
}
