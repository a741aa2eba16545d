import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Type, type Static, type TSchema } from 'typebox';
import { Value } from 'typebox/value';

/** What dbt writes of a run: as much of run_results.json and manifest.json as is read here. */
const Node = Type.Object({
  resource_type: Type.String(),
  name: Type.String(),
  schema: Type.String(),
  alias: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  compiled_code: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  attached_node: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  column_name: Type.Optional(Type.Union([Type.String(), Type.Null()])),
  depends_on: Type.Optional(Type.Object({ nodes: Type.Optional(Type.Array(Type.String())) })),
  config: Type.Optional(Type.Object({ severity: Type.Optional(Type.String()) })),
});
const Manifest = Type.Object({
  nodes: Type.Record(Type.String(), Node),
  sources: Type.Record(Type.String(), Type.Object({ name: Type.String(), schema: Type.String() })),
});
const RunResults = Type.Object({
  metadata: Type.Object({ invocation_id: Type.String() }),
  results: Type.Array(
    Type.Object({
      unique_id: Type.String(),
      status: Type.String(),
      execution_time: Type.Number(),
      failures: Type.Optional(Type.Union([Type.Integer(), Type.Null()])),
      message: Type.Optional(Type.Union([Type.String(), Type.Null()])),
    }),
  ),
});

export interface Artifacts {
  invocationId: string;
  models: ReadonlyMap<string, ModelResult>;
  tests: readonly TestResult[];
  /** All tests of the project, run or not. */
  testNames: readonly string[];
}

export interface ModelResult {
  model: string;
  status: 'success' | 'error' | 'skipped';
  ms: number;
  message: string | null;
  /** Models that it is made of, near and far, itself included; and sources, as `market.klines`. */
  upstream: readonly string[];
  /** SHA-256 of the SQL of all of these. */
  sqlSha256: string;
}

export interface TestResult {
  test: string;
  /** The relation tested, as `features.indicators`. */
  relation: string;
  column: string | null;
  /** What it judges, of the models and sources that it looks at: those of which no other is made. */
  judges: readonly string[];
  status: 'pass' | 'warn' | 'fail' | 'error' | 'skipped';
  severity: 'error' | 'warn';
  failures: number | null;
  message: string | null;
  /** The relation in the run's database that has the rows which failed. */
  rows: { schema: string; name: string };
}

/** Reads what dbt wrote into its target folder. @throws where it is not there, or not of a form that is known. */
export async function readArtifacts(target: string): Promise<Artifacts> {
  const manifest = await readAs(Manifest, join(target, 'manifest.json'));
  const { metadata, results } = await readAs(RunResults, join(target, 'run_results.json'));
  const models = new Map<string, ModelResult>();
  const tests: TestResult[] = [];
  for (const result of results) {
    const node = manifest.nodes[result.unique_id];
    if (node?.resource_type === 'model') models.set(node.name, modelResult(manifest, result, node));
    if (node?.resource_type === 'test') tests.push(testResult(manifest, result, node));
  }
  const testNames = Object.values(manifest.nodes)
    .filter((node) => node.resource_type === 'test')
    .map(({ name }) => name);
  return { invocationId: metadata.invocation_id, models, tests, testNames };
}

type Node = Static<typeof Node>;
type Manifest = Static<typeof Manifest>;
type Result = Static<typeof RunResults>['results'][number];

async function readAs<S extends TSchema>(schema: S, path: string): Promise<Static<S>> {
  const value: unknown = JSON.parse(await readFile(path, 'utf8'));
  Value.Assert(schema, value);
  return value;
}

function modelResult(manifest: Manifest, result: Result, node: Node): ModelResult {
  const ids = [...upstreamOf(manifest, result.unique_id)].toSorted();
  const hash = createHash('sha256');
  for (const id of ids) hash.update(`${id}\n${manifest.nodes[id]?.compiled_code ?? ''}\n`);
  return {
    model: node.name,
    status: result.status === 'success' || result.status === 'skipped' ? result.status : 'error',
    ms: Math.round(result.execution_time * 1_000),
    message: result.message ?? null,
    upstream: ids.map((id) => nameOf(manifest, id)),
    sqlSha256: hash.digest('hex'),
  };
}

/** Models and sources that a node is made of, itself included. */
function upstreamOf(manifest: Manifest, id: string, found = new Set<string>()): Set<string> {
  if (found.has(id)) return found;
  found.add(id);
  for (const next of manifest.nodes[id]?.depends_on?.nodes ?? []) upstreamOf(manifest, next, found);
  return found;
}

function testResult(manifest: Manifest, result: Result, node: Node): TestResult {
  const looksAt = node.depends_on?.nodes ?? [];
  const tested = node.attached_node ?? looksAt.at(-1) ?? '';
  const relation = manifest.nodes[tested] ?? manifest.sources[tested];
  return {
    test: node.name,
    relation: relation === undefined ? tested : `${relation.schema}.${relation.name}`,
    column: node.column_name ?? null,
    judges: judgedOf(manifest, looksAt).map((id) => nameOf(manifest, id)),
    status: testStatus(result.status),
    severity: node.config?.severity?.toLowerCase() === 'warn' ? 'warn' : 'error',
    failures: result.failures ?? null,
    message: result.message ?? null,
    rows: { schema: node.schema, name: node.alias ?? node.name },
  };
}

/** A test that compares a model with what it is made of judges the model alone. */
function judgedOf(manifest: Manifest, looksAt: readonly string[]): string[] {
  return looksAt.filter(
    (id) => !looksAt.some((other) => other !== id && upstreamOf(manifest, other).has(id)),
  );
}

function nameOf(manifest: Manifest, id: string): string {
  const source = manifest.sources[id];
  return source === undefined ? (manifest.nodes[id]?.name ?? id) : `${source.schema}.${source.name}`;
}

function testStatus(status: string): TestResult['status'] {
  if (status === 'pass' || status === 'warn' || status === 'fail' || status === 'skipped') return status;
  return 'error';
}
