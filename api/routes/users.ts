import type { FastifyPluginCallbackTypebox } from '@fastify/type-provider-typebox';
import { changePassword, redeemReset } from '#core/identity/change-password.ts';
import type { LockOut } from '#core/identity/lock-out.ts';
import type { Passwords } from '#core/identity/passwords.ts';
import type { Sessions } from '#core/identity/sessions.ts';
import { registerUser, renameUser, userById, type User } from '#core/identity/users.ts';
import type { Database } from '#core/platform/postgres/database.ts';
import { endedCookies } from '../cookies.ts';
import { addressOf, callerOf } from '../plugins/authenticate.ts';
import { problemAnswers } from '../schemas/common.ts';
import * as schemas from '../schemas/identity.ts';
import { NoQuery } from '../schemas/lake.ts';

export interface UserRouteOptions {
  database: Database;
  passwords: Passwords;
  lockOut: LockOut;
  sessions: Sessions;
}

export const userRoutes: FastifyPluginCallbackTypebox<UserRouteOptions> = (app, options, done) => {
  const { database, passwords, lockOut, sessions } = options;

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
    async (request, reply) => {
      const asked = { ...request.body, address: addressOf(request) };
      const user = await registerUser(database, passwords, asked);
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
      const asked = { userId, ...request.body, address: addressOf(request) };
      await changePassword({ database, passwords, lockOut }, asked);
      sessions.forget(userId);
      reply.header('set-cookie', endedCookies(request.protocol === 'https'));
      return reply.code(204).send(null);
    },
  );

  app.post(
    '/v1/password-resets',
    {
      schema: {
        tags: ['identity'],
        summary: 'Set a new password by a token that an operator made, once',
        description:
          'It ends all sessions and API keys of the user. `ticklake users reset` makes such a token.',
        querystring: NoQuery,
        body: schemas.PasswordReset,
        response: { 204: schemas.Nothing, ...problemAnswers },
      },
    },
    async (request, reply) => {
      const asked = { ...request.body, address: addressOf(request) };
      sessions.forget(await redeemReset({ database, passwords }, asked));
      return reply.code(204).send(null);
    },
  );
  done();
};

function shown({ userId, email, displayName, role, createdAt }: User): schemas.User {
  return { id: userId, email, displayName, role, createdAt: createdAt.toISOString() };
}
