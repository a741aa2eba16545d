import { Type, type Static } from 'typebox';
import { passwordBytesMax, passwordLengthMin } from '#core/identity/passwords.ts';
import { roles } from '#core/identity/roles.ts';
import { ListOf, Nullable, Time } from './common.ts';

const Email = Type.String({
  description: 'Capitals and small letters are the same.',
  format: 'email',
  maxLength: 254,
  examples: ['ada@example.com'],
});

const NewPassword = Type.String({
  description: `${passwordLengthMin} characters at least, ${passwordBytesMax} bytes of UTF-8 at most.`,
  minLength: passwordLengthMin,
  maxLength: passwordBytesMax,
  examples: ['correct horse battery staple'],
});

const GivenPassword = Type.String({ maxLength: 1_000, examples: ['correct horse battery staple'] });

const DisplayName = Type.String({ minLength: 1, maxLength: 100, examples: ['Ada'] });

export const User = Type.Object({
  id: Type.String({ format: 'uuid', examples: ['0b8e4f0c-3c5e-4c0e-9a44-5a0a4b0f1c11'] }),
  email: Email,
  displayName: Nullable(DisplayName),
  role: Type.Enum([...roles], { description: 'What the user may do; a new one is a trader.' }),
  createdAt: Time('When it was made.'),
});
export type User = Static<typeof User>;

export const NewUser = Type.Object(
  { email: Email, password: NewPassword, displayName: Type.Optional(DisplayName) },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.com', password: 'correct horse battery staple' }],
  },
);

export const UserChange = Type.Object(
  { displayName: Nullable(DisplayName) },
  { additionalProperties: false, examples: [{ displayName: 'Ada' }] },
);

export const PasswordChange = Type.Object(
  { currentPassword: GivenPassword, newPassword: NewPassword },
  {
    additionalProperties: false,
    examples: [{ currentPassword: 'correct horse battery staple', newPassword: 'another long sentence' }],
  },
);

export const PasswordReset = Type.Object(
  {
    token: Type.String({ maxLength: 100, examples: ['hFZr1uJ0o2Xq7m5cW9tVb3yK8sLd4gNpQeRaTxYiCzU'] }),
    newPassword: NewPassword,
  },
  {
    additionalProperties: false,
    examples: [
      {
        token: 'hFZr1uJ0o2Xq7m5cW9tVb3yK8sLd4gNpQeRaTxYiCzU',
        newPassword: 'another long sentence',
      },
    ],
  },
);

export const Credentials = Type.Object(
  { email: Type.String({ maxLength: 254, examples: ['ada@example.com'] }), password: GivenPassword },
  {
    additionalProperties: false,
    examples: [{ email: 'ada@example.com', password: 'correct horse battery staple' }],
  },
);

export const NewSession = Type.Object({
  token: Type.String({
    description: 'A JSON web token, RS256; sent as `authorization: Bearer …`. It is in a cookie, too.',
  }),
  expiresAt: Time('When it ends, 24 hours on.'),
  csrfToken: Type.String({
    description:
      'For pages, whose token is in the cookie: sent as `x-csrf-token` with what changes something.',
  }),
});
export type NewSession = Static<typeof NewSession>;

export const SessionList = ListOf(
  Type.Object({
    id: Type.String({ format: 'uuid' }),
    createdAt: Time('When it began.'),
    seenAt: Time('When it was used last, to the minute.'),
    expiresAt: Time('When it ends at the latest.'),
    isCurrent: Type.Boolean({ description: 'Whether it is the one that asks.' }),
  }),
);
export type SessionList = Static<typeof SessionList>;

export const SessionEnd = Type.Object(
  {
    password: GivenPassword,
    id: Type.Optional(
      Type.String({ description: 'The one to end; without it all but this one.', format: 'uuid' }),
    ),
  },
  { additionalProperties: false, examples: [{ password: 'correct horse battery staple' }] },
);

export const SessionsEnded = Type.Object({ ended: Type.Integer({ description: 'How many.' }) });

export const KeySet = Type.Object(
  {
    keys: Type.Array(
      Type.Object({
        kty: Type.String({ examples: ['RSA'] }),
        n: Type.String(),
        e: Type.String({ examples: ['AQAB'] }),
        kid: Type.String({ description: 'RFC 7638 thumbprint; tokens name it in their header.' }),
        alg: Type.String({ examples: ['RS256'] }),
        use: Type.String({ examples: ['sig'] }),
      }),
    ),
  },
  { description: 'RFC 7517.' },
);
export type KeySet = Static<typeof KeySet>;

export const Nothing = Type.Null({ description: 'Done; there is no body.' });
