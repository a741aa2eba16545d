import { chmod, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createBinanceExchange } from '#core/exchanges/binance/exchange.ts';
import type { Fault, FaultKind } from '#core/exchanges/simulator/faults.ts';
import { startSimulator } from '#core/exchanges/simulator/server.ts';
import { tradesTopic } from '#core/market/topics.ts';
import { loadConfig } from '#core/platform/config.ts';
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { openRuntime, type Runtime } from '#cli/runtime.ts';
import { ingestReport, ingestTotals, missingIds } from '#pipelines/ingest-trades/report.ts';
import { startIngest, type Ingest } from '#pipelines/ingest-trades/role.ts';
import { openCutProxy, type CutProxy } from '#tests/support/cut-proxy.ts';
import { audit, newestIds, type Audit } from './simulator-audit.ts';

/** Markets that trade much, some and little. */
export const markets = ['BTCUSDT', 'ETHUSDT', 'LINKUSDT'] as const;

const speed = 100;
/** A venue that says nothing for so long, pongs included, is left for another connection. */
const silenceMs = 1_500;
const waitMs = 30_000;
const logger = createLogger({ level: 'silent', name: 'test' });

/** A data dir with its own Postgres, log and lake, opened with the rights of the ingest role. */
export async function openDataDir(): Promise<Runtime> {
  const dataDir = await mkdtemp(join(tmpdir(), 'ticklake-faults-'));
  await chmod(dataDir, 0o755);
  const config = loadConfig({
    env: {},
    overrides: { dataDir, symbols: [...markets], ingestBatchRecords: 300, ingestBatchMs: 150 },
  });
  const runtime = await openRuntime(config, 'ingest', 'faults', logger);
  await runtime.log.ensureTopic(tradesTopic, {
    partitions: config.logPartitions,
    retentionMs: config.logRetentionHours * 3_600_000,
  });
  return {
    ...runtime,
    async close() {
      await runtime.close();
      await rm(dataDir, { recursive: true, force: true, maxRetries: 10, retryDelay: 500 });
    },
  };
}

/** A simulated venue whose trades flow into the lake. */
export interface Venue {
  readonly proxy: CutProxy;
  fault(fault: Fault): Promise<void>;
  clearFaults(): Promise<void>;
  struck(kind: FaultKind): Promise<number>;
  /** Waits until a fault has struck so often. */
  untilStruck(kind: FaultKind, times: number): Promise<void>;
  /** Waits until trades of the stream were committed twice more: ingest goes on. */
  goesOn(): Promise<void>;
  /** Waits until the ledger lists exactly so many ids as missing. */
  untilMissing(ids: number): Promise<void>;
  /** Stops the socket, gives what is under way so long, and ends ingest. */
  end(drainMs: number): Promise<void>;
  /** Looks at everything; ingest has ended, and REST answers. */
  audit(): Promise<Audit>;
  /** Waits until all that the venue has sent so far is in the lake, ends, and looks at everything. */
  finish(): Promise<Audit>;
  /** Starts ingest again on the same venue. */
  restart(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a simulator and ingest on it; resolves when every market has trades in the lake. */
export async function openVenue(runtime: Runtime, seed: number): Promise<Venue> {
  const { log, lake, config } = runtime;
  const { database } = runtime.connection;
  const simulator = await startSimulator({
    ...{ seed, symbols: 20, speed, port: 0, logger, metrics: new Metrics() },
    startTimeUs: Date.parse('2024-03-05T11:22:33.456Z') * 1000,
  });
  const proxy = await openCutProxy(simulator.port);
  const { source } = simulator;
  const metrics = new Metrics();
  const before = await ingestTotals(database, log);
  let life = await begin();
  const from = await newestIds(simulator.url, markets);
  let to = from;

  async function begin() {
    const exchange = createBinanceExchange({
      ...{ source, restUrl: simulator.url, wsUrl: `ws://${proxy.host}`, logger, metrics },
      streams: { silenceMs },
    });
    const ingest = await startIngest({
      ...{ config, exchange, symbols: markets, database, log, lake, logger, metrics, live: true },
    });
    const started = { exchange, ingest };
    await until(
      'trades of every market',
      () => reached(Object.fromEntries(markets.map((m) => [m, 1]))),
      ingest,
    );
    return started;
  }

  async function end(drainMs: number): Promise<void> {
    await life.ingest.drain(drainMs);
    await life.ingest.close();
    await life.exchange.close();
  }

  async function auditNow(): Promise<Audit> {
    const report = ingestReport(before, await ingestTotals(database, log), await missing());
    const { values } = await metrics.counter('ticklake_exchange_stream_messages_total', '').get();
    const fromSocket = values
      .filter(({ labels }) => ['trade', 'refused'].includes(String(Object(labels).kind)))
      .reduce((sum, { value }) => sum + value, 0);
    return {
      ...(await audit(runtime, { source, url: simulator.url, markets, from, to })),
      ...{ report, fromSocket, sentMalformed: await struck('malformed') },
    };
  }

  async function reached(ids: Readonly<Record<string, number>>): Promise<boolean> {
    const { rows } = await database.query<{ symbol: string; last: number }>(
      `select split_part(listing, '#', 1) as symbol, max(hi) - 1 as last from (
         select source, listing, hi from lake.coverage union all select source, listing, hi from lake.explained) known
        where source = $1 group by listing`,
      [source],
    );
    const last = new Map(rows.map((row) => [row.symbol, row.last]));
    return Object.entries(ids).every(([symbol, id]) => (last.get(symbol) ?? 0) >= id);
  }

  async function streamCommits(): Promise<number> {
    const { rows } = await database.query<{ commits: number }>(
      `select count(*)::bigint as commits from lake.commits join ingest.batches using (commit_id)
        where committed_stream > 0 and ranges_added @> jsonb_build_array(jsonb_build_object('source', $1::text))`,
      [source],
    );
    return rows[0]?.commits ?? 0;
  }

  async function admin(method: 'POST' | 'DELETE', fault?: Fault): Promise<void> {
    const answer = await fetch(`${simulator.url}/simulator/faults`, {
      method,
      ...(fault === undefined ? {} : { body: JSON.stringify(fault) }),
    });
    if (!answer.ok) throw new Error(await answer.text());
  }

  async function struck(kind: FaultKind): Promise<number> {
    const answer = await fetch(`${simulator.url}/simulator/state`);
    const state = (await answer.json()) as { faults: { struck: Partial<Record<FaultKind, number>> } };
    return state.faults.struck[kind] ?? 0;
  }

  const missing = () => missingIds(database, source);
  const clearFaults = () => admin('DELETE');

  return {
    proxy,
    clearFaults,
    struck,
    fault: (fault) => admin('POST', fault),
    untilStruck: (kind, times) =>
      until(`${times} × ${kind}`, async () => (await struck(kind)) >= times, life.ingest),
    async goesOn() {
      const commits = await streamCommits();
      await until('two more commits', async () => (await streamCommits()) >= commits + 2, life.ingest);
    },
    untilMissing: (ids) => until(`${ids} missing ids`, async () => (await missing()) === ids, life.ingest),
    end,
    audit: auditNow,
    async finish() {
      to = await newestIds(simulator.url, markets);
      await until('what was sent', () => reached(to), life.ingest);
      await end(waitMs);
      return await auditNow();
    },
    async restart() {
      life = await begin();
    },
    async close() {
      await life.ingest.close();
      await life.exchange.close();
      await proxy.close();
      await simulator.close();
    },
  };
}

async function until(what: string, reached: () => Promise<boolean>, ingest: Ingest): Promise<void> {
  const deadline = Date.now() + waitMs;
  while (!(await Promise.race([reached(), ingest.failed]))) {
    if (Date.now() >= deadline) throw new Error(`waited ${waitMs} ms in vain for ${what}`);
    await sleep(50);
  }
}
