import { createHash } from 'node:crypto';
import { errors, jwtVerify, SignJWT } from 'jose';
import { TicklakeError } from '#core/platform/errors.ts';
import type { SigningKeys } from './signing-key.ts';

/** What a token says: of whom, in which session, until when. What its bearer may do is looked up each time. */
export interface TokenClaims {
  userId: string;
  sessionId: string;
  /** SHA-256 of the token that a page shows beside its cookie. */
  csrfHash: string;
  expiresAtMs: number;
}

const issuer = 'ticklake';
const audience = 'ticklake-api';
const tokenType = 'JWT';
const uuid = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** A JSON web token signed by RS256. */
export async function signToken(keys: SigningKeys, claims: TokenClaims): Promise<string> {
  return await new SignJWT({ sid: claims.sessionId, csrf: claims.csrfHash })
    .setProtectedHeader({ alg: 'RS256', typ: tokenType, kid: keys.kid })
    .setIssuer(issuer)
    .setAudience(audience)
    .setSubject(claims.userId)
    .setIssuedAt()
    .setExpirationTime(Math.floor(claims.expiresAtMs / 1000))
    .sign(keys.privateKey);
}

/** What a token says, where it is one of ours, whole, and not over. @throws UNAUTHENTICATED */
export async function readToken(keys: SigningKeys, token: string): Promise<TokenClaims> {
  try {
    const { payload } = await jwtVerify(token, ({ kid }) => keyOf(keys, kid), {
      algorithms: ['RS256'],
      issuer,
      audience,
      typ: tokenType,
      requiredClaims: ['sub', 'sid', 'csrf', 'exp', 'iat'],
    });
    const { sub, sid, csrf, exp } = payload;
    if (typeof sub === 'string' && uuid.test(sub) && typeof sid === 'string' && uuid.test(sid)) {
      if (typeof csrf === 'string' && typeof exp === 'number') {
        return { userId: sub, sessionId: sid, csrfHash: csrf, expiresAtMs: exp * 1000 };
      }
    }
  } catch (error) {
    if (!(error instanceof errors.JOSEError)) throw error;
  }
  throw notSignedIn();
}

export function csrfHashOf(csrfToken: string): string {
  return createHash('sha256').update(csrfToken).digest('base64url');
}

/** One answer for every way in which a token does not count. */
export function notSignedIn(): TicklakeError {
  return new TicklakeError('UNAUTHENTICATED', 'this needs a session, and there is none that counts', {
    remedy: 'POST /v1/sessions gives a token; send it as `authorization: Bearer …`.',
  });
}

function keyOf(keys: SigningKeys, kid: string | undefined) {
  const key = keys.publicKeys.get(kid ?? '');
  if (key === undefined) throw new errors.JWKSNoMatchingKey();
  return key;
}
