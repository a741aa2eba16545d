// The arrows of docs/architecture.md. A room that is not listed may import nothing of the project.
const rooms = {
  platform: [],
  market: [],
  iceberg: [],
  exchanges: ['platform', 'market'],
  streams: ['platform'],
  jobs: ['platform'],
  lake: ['platform', 'market', 'iceberg'],
  features: ['platform', 'market', 'lake'],
  trading: ['platform', 'market'],
  identity: ['platform'],
  alerts: ['platform', 'market'],
  models: ['platform', 'lake', 'features'],
  backtest: ['platform', 'trading', 'features'],
};

const project = '^(core|pipelines|api|cli|dashboards|tests|bench)/';

const error = (name, comment, from, to) => ({ name, comment, severity: 'error', from, to });

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    ...Object.entries(rooms).map(([room, allowed]) =>
      error(
        `core-${room}`,
        `core/${room} imports ${allowed.length > 0 ? `only core/{${[room, ...allowed].join(',')}}` : 'no other room'}`,
        { path: `^core/${room}/` },
        { path: project, pathNot: `^core/(${[room, ...allowed].join('|')})/` },
      ),
    ),
    error(
      'core-unlisted-room',
      'a new room of core gets its line in .dependency-cruiser.js',
      { path: '^core/', pathNot: `^core/(${Object.keys(rooms).join('|')})/` },
      { path: project },
    ),
    error(
      'pipelines',
      'pipelines import core',
      { path: '^pipelines/' },
      { path: project, pathNot: '^(pipelines|core)/' },
    ),
    error('api', 'api imports core', { path: '^api/' }, { path: project, pathNot: '^(api|core)/' }),
    error('api-exchanges', 'api never talks to an exchange', { path: '^api/' }, { path: '^core/exchanges/' }),
    error(
      'cli',
      'cli imports api, pipelines and core',
      { path: '^cli/' },
      { path: '^(dashboards|tests|bench)/' },
    ),
    error(
      'dashboards',
      'dashboards know the API by its client only',
      { path: '^dashboards/' },
      { path: project, pathNot: '^(dashboards|api/client)/' },
    ),
    error(
      'circular',
      'no module needs itself',
      {},
      { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    ),
    error('resolvable', 'every import leads somewhere', {}, { couldNotResolve: true }),
    error(
      'product-without-dev-dependencies',
      'what the product imports is installed with it',
      { path: '^(core|pipelines|api|cli)/' },
      { dependencyTypes: ['npm-dev', 'npm-no-pkg', 'npm-unknown'], dependencyTypesNot: ['type-only'] },
    ),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '(^|/)(dist|coverage)/' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'types', 'node', 'default'],
      extensions: ['.ts', '.tsx', '.js', '.mjs', '.json'],
    },
  },
};
