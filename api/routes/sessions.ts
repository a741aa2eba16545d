import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Identity } from '#core/identity/open.ts';
import { endSessions, listSessions } from '#core/identity/own-sessions.ts';
import { notSignedIn } from '#core/identity/tokens.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { cookiesOf, endedCookies } from '../cookies.ts';
import { addressOf, callerOf, tokenOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import {
  Credentials,
  KeySet,
  NewSession,
  Nothing,
  SessionEnd,
  SessionList,
  SessionsEnded,
} from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';

export interface SessionRouteOptions extends Identity {
  database: Database;
}

export const sessionRoutes: FastifyPluginCallbackTypebox<SessionRouteOptions> = (app, options, done) => {
  const { database, sessions, keys, passwords, lockOut } = options;

  app.post(
    '/v1/sessions',
    {
      schema: {
        tags: ['identity'],
        summary: 'Sign in',
        description:
          'A wrong password and an address of nobody are answered alike. After five wrong ones the account is locked for ' +
          'where they came from, for a minute at first and up to a quarter of an hour: 429 with `retry-after`.',
        querystring: NoQuery,
        body: Credentials,
        response: { 201: NewSession, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { email, password } = request.body;
      const isSecure = request.protocol === 'https';
      const session = await sessions.signIn(email, password, addressOf(request));
      const replaced = tokenOf(request);
      if (replaced?.isCookie === true) await sessions.endByToken(replaced.token, addressOf(request));
      reply.code(201).header('set-cookie', cookiesOf(session, isSecure));
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
      const { by } = callerOf(request);
      if (by.kind === 'session') await sessions.end(by.sessionId, addressOf(request));
      reply.header('set-cookie', endedCookies(request.protocol === 'https'));
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/v1/sessions',
    {
      schema: {
        tags: ['identity'],
        summary: 'Your sessions that count, the newest first',
        querystring: NoQuery,
        response: { 200: SessionList, ...problemAnswers },
      },
    },
    async (request) => {
      const { userId, by } = callerOf(request);
      const found = await listSessions(database, userId);
      const items = found.map(({ sessionId, createdAt, seenAt, expiresAt }) => ({
        ...{ id: sessionId, createdAt: createdAt.toISOString(), seenAt: seenAt.toISOString() },
        expiresAt: expiresAt.toISOString(),
        isCurrent: by.kind === 'session' && by.sessionId === sessionId,
      }));
      return { items, nextCursor: null };
    },
  );

  app.post(
    '/v1/sessions/end',
    {
      schema: {
        tags: ['identity'],
        summary: 'End another session of yours, or all others',
        querystring: NoQuery,
        body: SessionEnd,
        response: { 200: SessionsEnded, ...problemAnswers },
      },
    },
    async (request) => {
      const { userId, by } = callerOf(request);
      if (by.kind !== 'session') throw notSignedIn();
      const { password, id } = request.body;
      const asked = { userId, password, sessionId: id, asking: by.sessionId, address: addressOf(request) };
      const ended = await endSessions({ database, passwords, lockOut }, asked);
      sessions.forget(userId);
      return { ended };
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
    async (_request, reply) => {
      reply.header('cache-control', 'public, max-age=300');
      return (await keys.current()).jwks;
    },
  );
  done();
};
