import { Type, type Static } from 'typebox';
import { ListOf, Nullable, pageQuery, Time } from './common.ts';

const UserId = (description: string) => Nullable(Type.String({ description, format: 'uuid' }));

export const AuditEntry = Type.Object({
  id: Type.Integer({ description: 'Rises with time.' }),
  at: Time('When it was done.'),
  event: Type.String({
    examples: [
      'sign_in',
      'sign_in_refused',
      'role_changed',
      'password_changed',
      'kill_switch',
      'api_key_used',
    ],
  }),
  actorId: UserId('The user who did it; null for the command line, and for who did not sign in.'),
  userId: UserId('The user it is about.'),
  address: Nullable(Type.String({ description: 'Where the request came from.' })),
  detail: Nullable(Type.String()),
  login: Type.String({ description: 'The login of Postgres it was done by.' }),
});
export const AuditList = ListOf(AuditEntry);
export type AuditList = Static<typeof AuditList>;

export const AuditQuery = Type.Object(
  {
    ...pageQuery,
    userId: Type.Optional(Type.String({ description: 'Of whom, or by whom.', format: 'uuid' })),
  },
  { additionalProperties: false },
);
