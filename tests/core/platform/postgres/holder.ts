/** A process that holds a data dir's Postgres, as a command does: `node holder.ts DATA_DIR`; it runs the SQL it is sent. */
import { createLogger } from '#core/platform/logging.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { connectDatabase } from '#core/platform/postgres/connect.ts';
import { toTicklakeError } from '#core/platform/errors.ts';

const connection = await connectDatabase({ dataDir: process.argv[2] ?? '' }, 'owner', {
  applicationName: 'holder',
  logger: createLogger({ level: 'info', name: 'holder' }),
  metrics: new Metrics(),
});

process.on('message', (sql: string) => {
  connection.database.query(sql).then(
    ({ rows }) => process.send?.({ rows }),
    (error: unknown) => process.send?.({ code: toTicklakeError(error).code }),
  );
});
process.on('disconnect', () => void connection.close());
process.send?.({ ready: true });
