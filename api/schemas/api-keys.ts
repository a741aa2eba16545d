import { Type, type Static } from 'typebox';
import { scopes } from '#core/identity/api-keys.ts';
import { ListOf, Nullable, Time } from './common.ts';

const daysMax = 365;

const Name = Type.String({
  description: 'What the key is for.',
  minLength: 1,
  maxLength: 100,
  examples: ['rebalancing'],
});
const Scopes = Type.Array(Type.Enum([...scopes]), {
  minItems: 1,
  maxItems: scopes.length,
  uniqueItems: true,
});

const shown = {
  id: Type.String({ format: 'uuid' }),
  name: Name,
  scopes: Scopes,
  createdAt: Time('When it was made.'),
  expiresAt: Time('When it ends.'),
  lastUsedAt: Nullable(Time('When it was used last, to the minute.')),
};

export const ApiKey = Type.Object(shown);
export type ApiKey = Static<typeof ApiKey>;

export const MadeApiKey = Type.Object({
  ...shown,
  key: Type.String({ description: 'The key itself, shown this once.' }),
});
export type MadeApiKey = Static<typeof MadeApiKey>;

export const ApiKeyList = ListOf(ApiKey);
export type ApiKeyList = Static<typeof ApiKeyList>;

export const NewApiKey = Type.Object(
  {
    name: Name,
    scopes: Scopes,
    expiresInDays: Type.Integer({ minimum: 1, maximum: daysMax, default: 90 }),
  },
  {
    additionalProperties: false,
    examples: [{ name: 'rebalancing', scopes: ['read', 'trade'], expiresInDays: 30 }],
  },
);

export const ApiKeyParams = Type.Object({
  keyId: Type.String({ format: 'uuid', examples: ['7c1b6a52-3a43-4f0c-8b61-0a3d2f4e5b66'] }),
});
