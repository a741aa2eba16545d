import { existsSync } from 'node:fs';
import { join } from 'node:path';
import fastifyStatic from '@fastify/static';
import plugin from 'fastify-plugin';
import { TicklakeError } from '#core/platform/errors.ts';

/** Serves the dashboard at `/`, where it has been built. */
export const page = plugin(
  async (app, { dir }: { dir: string | undefined }) => {
    if (dir === undefined || !existsSync(join(dir, 'index.html'))) {
      app.get('/', { schema: { hide: true } }, () => {
        throw new TicklakeError('NOT_FOUND', 'the dashboard has not been built', {
          remedy:
            'Run `node dashboards/web/build.ts` and start the API again; the API itself is described at /docs.',
        });
      });
      return;
    }
    await app.register(fastifyStatic, {
      root: dir,
      wildcard: false,
      cacheControl: false,
      setHeaders(reply, path) {
        // Names of assets carry a hash of their content.
        const forGood = path.includes('/assets/');
        void reply.header('cache-control', forGood ? 'public, max-age=31536000, immutable' : 'no-cache');
      },
    });
  },
  { name: 'page' },
);
