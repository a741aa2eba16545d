/** The consumers of events in a process of their own, and one that notes what it is given. */
import { pino } from 'pino';
import { Metrics } from '#core/platform/metrics.ts';
import { openDatabase } from '#core/platform/postgres/database.ts';
import { createPostgresLog } from '#core/streams/postgres.ts';
import { startFeed } from '#pipelines/deliver-events/feed.ts';
import { conductConsumer } from '#pipelines/watch-conduct/watch.ts';
import { noting } from './noting.ts';

const [, , url = ''] = process.argv;
const logger = pino({ level: 'silent' });
const metrics = new Metrics();
const setRole = 'ticklake_events';
const database = openDatabase({ url, setRole, applicationName: 'events', logger, metrics });
const log = createPostgresLog({ database, logger, metrics });
const consumers = [conductConsumer({ hasMail: false, metrics }), noting('noted')];
await startFeed({ log, database, consumers, logger, metrics, sessionTimeoutMs: 1_000 });
