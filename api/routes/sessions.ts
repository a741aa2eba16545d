import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Sessions } from '#core/identity/sessions.ts';
import type { SigningKeys } from '#core/identity/signing-key.ts';
import { cookiesOf, endedCookies } from '../cookies.ts';
import { callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import { Credentials, KeySet, NewSession, Nothing } from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';

export interface SessionRouteOptions {
  sessions: Sessions;
  keys: SigningKeys;
}

export const sessionRoutes: FastifyPluginCallbackTypebox<SessionRouteOptions> = (app, options, done) => {
  const { sessions, keys } = options;

  app.post(
    '/v1/sessions',
    {
      schema: {
        tags: ['identity'],
        summary: 'Sign in',
        description: 'A wrong password and an address of nobody are answered alike.',
        querystring: NoQuery,
        body: Credentials,
        response: { 201: NewSession, ...problemAnswers },
      },
    },
    async ({ body }, reply) => {
      const session = await sessions.signIn(body.email, body.password);
      reply.code(201).header('set-cookie', cookiesOf(session)).header('cache-control', 'no-store');
      const { token, csrfToken } = session;
      return { token, expiresAt: session.expiresAt.toISOString(), csrfToken };
    },
  );

  app.delete(
    '/v1/sessions/current',
    {
      schema: {
        tags: ['identity'],
        summary: 'Sign out: the token counts no longer',
        querystring: NoQuery,
        response: { 204: Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      await sessions.end(callerOf(request).sessionId);
      reply.header('set-cookie', endedCookies());
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/.well-known/jwks.json',
    {
      schema: {
        tags: ['identity'],
        summary: 'The public keys that tokens are checked by',
        querystring: NoQuery,
        response: { 200: KeySet, ...problemAnswers },
      },
    },
    (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300');
      return keys.jwks;
    },
  );
  done();
};
