import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import type { Passwords } from '#core/identity/passwords.ts';
import type { Sessions } from '#core/identity/sessions.ts';
import { changePassword, registerUser, renameUser, userById, type User } from '#core/identity/users.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { endedCookies } from '../cookies.ts';
import { callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';

export interface UserRouteOptions {
  database: Database;
  passwords: Passwords;
  sessions: Sessions;
}

export const userRoutes: FastifyPluginCallbackTypebox<UserRouteOptions> = (app, options, done) => {
  const { database, passwords, sessions } = options;

  app.post(
    '/v1/users',
    {
      schema: {
        tags: ['identity'],
        summary: 'Make a user, who is a trader',
        querystring: NoQuery,
        body: schemas.NewUser,
        response: { 201: schemas.User, ...problemAnswers },
      },
    },
    async ({ body }, reply) => {
      const user = await registerUser(database, passwords, body);
      reply.code(201).header('location', '/v1/users/me');
      return shown(user);
    },
  );

  app.get(
    '/v1/users/me',
    {
      schema: {
        tags: ['identity'],
        summary: 'Who is signed in',
        querystring: NoQuery,
        response: { 200: schemas.User, ...problemAnswers },
      },
    },
    async (request) => shown(await userById(database, callerOf(request).userId)),
  );

  app.patch(
    '/v1/users/me',
    {
      schema: {
        tags: ['identity'],
        summary: 'Change the name that is shown',
        querystring: NoQuery,
        body: schemas.UserChange,
        response: { 200: schemas.User, ...problemAnswers },
      },
    },
    async (request) => shown(await renameUser(database, callerOf(request).userId, request.body.displayName)),
  );

  app.put(
    '/v1/users/me/password',
    {
      schema: {
        tags: ['identity'],
        summary: 'Change the password, which ends all sessions, this one too',
        querystring: NoQuery,
        body: schemas.PasswordChange,
        response: { 204: schemas.Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const { userId } = callerOf(request);
      await changePassword(database, passwords, { userId, ...request.body });
      sessions.forget(userId);
      reply.header('set-cookie', endedCookies());
      return reply.code(204).send(null);
    },
  );
  done();
};

function shown({ userId, createdAt, ...user }: User): schemas.User {
  return { id: userId, ...user, createdAt: createdAt.toISOString() };
}
