import type { NewSession } from '#core/identity/sessions.ts';

/** The token, where no script of a page can read it. */
export const sessionCookie = 'ticklake_session';
/** What a page reads and sends back as `x-csrf-token`: another site can do neither. */
export const csrfCookie = 'ticklake_csrf';

/** The value of one cookie of a request. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  const pair = header
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/** `set-cookie` headers that begin a session in a browser; it ends there when the token does. */
export function cookiesOf(session: NewSession): string[] {
  const until = `Path=/; SameSite=Strict; Expires=${session.expiresAt.toUTCString()}`;
  return [
    `${sessionCookie}=${session.token}; ${until}; HttpOnly`,
    `${csrfCookie}=${session.csrfToken}; ${until}`,
  ];
}

/** Those that end it. */
export function endedCookies(): string[] {
  const past = `Path=/; SameSite=Strict; Max-Age=0`;
  return [`${sessionCookie}=; ${past}; HttpOnly`, `${csrfCookie}=; ${past}`];
}
