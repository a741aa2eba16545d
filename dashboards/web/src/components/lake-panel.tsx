import { api } from '../api.ts';
import { bytes, count, moment } from '../format.ts';
import { usePolled } from '../state/use-polled.ts';

const lakeEveryMs = 4_000;
const gapsShown = 50;
/** Columns that a phone has no room for. */
const roomy = 'hidden sm:table-cell';

interface LakeState {
  tables: Awaited<ReturnType<typeof api.lakeTables>>['items'];
  coverage: Awaited<ReturnType<typeof api.lakeCoverage>>['items'];
  gaps: Awaited<ReturnType<typeof api.lakeGaps>>['items'];
}

async function loadLake(signal: AbortSignal): Promise<LakeState> {
  const [tables, coverage, gaps] = await Promise.all([
    api.lakeTables(signal),
    api.lakeCoverage(signal),
    api.lakeGaps(signal),
  ]);
  return { tables: tables.items, coverage: coverage.items, gaps: gaps.items };
}

/** What the lake holds, what it does not, and why. */
export function LakePanel({ userId }: { userId: string | undefined }) {
  const { value, error } = usePolled(loadLake, { everyMs: lakeEveryMs, requests: 3, userId });
  const missing = value?.coverage.reduce((sum, row) => sum + row.missing, 0) ?? 0;
  return (
    <section aria-labelledby="lake-title" className="panel min-h-72">
      <div className="panel-title">
        <h2 id="lake-title">Lake</h2>
        {value !== undefined && (
          <span
            className={`rounded-full px-2 py-0.5 normal-case ${missing === 0 ? 'bg-up/15 text-up' : 'bg-down/15 text-down'}`}
          >
            {missing === 0 ? 'nothing missing' : `${count(missing)} missing`}
          </span>
        )}
        {error !== undefined && <span className="text-down normal-case">{error}</span>}
      </div>
      {value === undefined ? (
        <p className="p-4 text-sm text-soft">Reading the lake…</p>
      ) : (
        <div
          role="region"
          aria-label="State of the lake"
          // A region that scrolls must be reachable by the keyboard.
          tabIndex={0}
          className="grid min-h-0 flex-1 grid-cols-[minmax(0,1fr)] gap-4 overflow-auto p-4 xl:grid-cols-[minmax(0,2fr)_minmax(0,3fr)]"
        >
          <div className="flex flex-col gap-4">
            {value.tables
              .filter(({ snapshotId }) => snapshotId !== null)
              .map((table) => (
                <Table key={table.name} table={table} />
              ))}
            <Empty tables={value.tables} />
            <Gaps gaps={value.gaps} />
          </div>
          <div className="flex flex-col gap-4">
            <Coverage rows={value.coverage.filter(({ interval }) => interval === null)} />
            <Bars rows={value.coverage.filter(({ interval }) => interval !== null)} />
          </div>
        </div>
      )}
    </section>
  );
}

function Table({ table }: { table: LakeState['tables'][number] }) {
  const figures = [
    ['Rows', count(table.rows)],
    ['Files', count(table.files)],
    ['Size', bytes(table.bytes)],
    ['Snapshot', table.snapshotId ?? '–'],
    [
      'Committed',
      table.committedAt === null ? '–' : `${table.committedAt.slice(0, 19).replace('T', ' ')} UTC`,
    ],
  ] as const;
  return (
    <div className="rounded-lg bg-raised p-3" data-testid={`table-${table.name}`}>
      <h3 className="figure mb-2 text-sm">{table.name}</h3>
      <dl className="grid grid-cols-[auto_minmax(0,1fr)] gap-x-4 gap-y-1 text-xs">
        {figures.map(([name, value]) => (
          <div key={name} className="contents">
            <dt className="text-soft">{name}</dt>
            <dd className="figure truncate text-right">{value}</dd>
          </div>
        ))}
      </dl>
    </div>
  );
}

/** Tables that nothing was ever committed to. */
function Empty({ tables }: { tables: LakeState['tables'] }) {
  const names = tables.filter(({ snapshotId }) => snapshotId === null).map(({ name }) => name);
  if (names.length === 0) return null;
  return (
    <p className="text-xs text-soft">
      Nothing yet in <span className="figure break-words">{names.join(', ')}</span>.
    </p>
  );
}

function Gaps({ gaps }: { gaps: LakeState['gaps'] }) {
  return (
    <div>
      <h3 className="mb-1.5 text-xs font-semibold text-soft">Gaps</h3>
      {gaps.length === 0 ? (
        <p className="text-xs text-soft">Nothing that is expected is absent.</p>
      ) : (
        <ul className="flex flex-col gap-1 text-xs">
          {gaps.slice(0, gapsShown).map((gap) => (
            <li
              key={[gap.table, gap.source, gap.listing, gap.interval, gap.from].join()}
              className="flex gap-2"
            >
              <span>{gap.symbol}</span>
              {gap.interval !== null && <span className="text-soft">{gap.interval}</span>}
              <span className="figure text-soft">{span(gap)}</span>
              <span className={gap.kind === 'missing' ? 'text-down' : 'text-soft'}>
                {gap.cause ?? 'missing'}
              </span>
            </li>
          ))}
        </ul>
      )}
      {gaps.length > gapsShown && (
        <p className="mt-1 text-xs text-soft">and {count(gaps.length - gapsShown)} more</p>
      )}
    </div>
  );
}

function Coverage({ rows }: { rows: LakeState['coverage'] }) {
  return (
    <table className="h-fit w-full text-xs" data-testid="coverage">
      <caption className="mb-1.5 text-left font-semibold text-soft">Trades, by market</caption>
      <thead className="text-soft">
        <tr>
          <th scope="col" className="py-1 text-left font-medium">
            Market
          </th>
          <th scope="col" className={`py-1 text-left font-medium ${roomy}`}>
            Source
          </th>
          {['Held', 'Explained', 'Missing', 'Held of expected'].map((name) => (
            <th
              key={name}
              scope="col"
              className={`py-1 text-right font-medium ${name === 'Explained' ? roomy : ''}`}
            >
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row) => (
          <tr key={`${row.table} ${row.source} ${row.listing}`} className="border-t border-line">
            <td className="py-1">{row.symbol}</td>
            <td className={`py-1 text-soft ${roomy}`}>{row.source}</td>
            <td className="figure py-1 text-right">{count(row.held)}</td>
            <td className={`figure py-1 text-right ${roomy}`}>{count(row.explained)}</td>
            <td className={`figure py-1 text-right ${row.missing > 0 ? 'text-down' : ''}`}>
              {count(row.missing)}
            </td>
            <td className="figure py-1 text-right">{share(row.held, row.expected)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface Completeness {
  markets: number;
  expected: number;
  held: number;
  explained: number;
  missing: number;
}

/** How complete the bars are: of each interval and source, all markets together. */
function Bars({ rows }: { rows: LakeState['coverage'] }) {
  const sums = new Map<string, Completeness>();
  for (const row of rows) {
    const key = `${row.table}\t${row.source}\t${row.interval}`;
    const sum = sums.get(key) ?? { markets: 0, expected: 0, held: 0, explained: 0, missing: 0 };
    sums.set(key, {
      markets: sum.markets + 1,
      expected: sum.expected + row.expected,
      held: sum.held + row.held,
      explained: sum.explained + row.explained,
      missing: sum.missing + row.missing,
    });
  }
  if (sums.size === 0) return null;
  return (
    <table className="h-fit w-full text-xs" data-testid="bars">
      <caption className="mb-1.5 text-left font-semibold text-soft">Bars, by interval</caption>
      <thead className="text-soft">
        <tr>
          <th scope="col" className="py-1 text-left font-medium">
            Bars
          </th>
          <th scope="col" className={`py-1 text-left font-medium ${roomy}`}>
            Source
          </th>
          {['Markets', 'Held', 'Explained', 'Missing', 'Of expected'].map((name) => (
            <th
              key={name}
              scope="col"
              className={`py-1 pl-3 text-right font-medium ${name === 'Explained' ? roomy : ''}`}
            >
              {name}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {[...sums].map(([key, sum]) => {
          const [table = '', source, interval] = key.split('\t');
          return (
            <tr key={key} className="border-t border-line">
              <td className="py-1">
                {table.replace('market.', '')} {interval}
              </td>
              <td className={`py-1 text-soft ${roomy}`}>{source}</td>
              <td className="figure py-1 text-right">{count(sum.markets)}</td>
              <td className="figure py-1 text-right">{count(sum.held)}</td>
              <td className={`figure py-1 text-right ${roomy}`}>{count(sum.explained)}</td>
              <td className={`figure py-1 text-right ${sum.missing > 0 ? 'text-down' : ''}`}>
                {count(sum.missing)}
              </td>
              <td className="figure py-1 text-right">{share(sum.held, sum.expected)}</td>
            </tr>
          );
        })}
      </tbody>
    </table>
  );
}

/** Ids, or times of bars, from the first to the last. */
function span({ from, to, count: size, interval }: LakeState['gaps'][number]): string {
  if (interval === null) return `${from}–${to - 1}`;
  const last = to - (to - from) / size;
  return size === 1 ? moment(from) : `${moment(from)} – ${moment(last)}`;
}

/** Rounded down, so that 100 % means all. */
function share(held: number, expected: number): string {
  return expected === 0 ? '–' : `${(Math.floor((held / expected) * 10_000) / 100).toFixed(2)} %`;
}
