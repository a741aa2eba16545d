import type { NewSession } from '#core/identity/sessions.ts';

/** The token, where no script of a page can read it. */
export const sessionCookie = 'ticklake_session';
/** Before a name, over TLS: browsers take it from this very host alone, and never from a page that was not encrypted. */
const hostPrefix = '__Host-';
/** What a page reads and sends back as `x-csrf-token`: another site can do neither. */
export const csrfCookie = 'ticklake_csrf';

/** The token among the cookies of a request. */
export function sessionTokenOf(header: string | undefined, isSecure: boolean): string | undefined {
  return cookieOf(header, nameOf(sessionCookie, isSecure));
}

function cookieOf(header: string | undefined, name: string): string | undefined {
  const pair = header
    ?.split(';')
    .map((part) => part.trim())
    .find((part) => part.startsWith(`${name}=`));
  return pair?.slice(name.length + 1);
}

/** `set-cookie` headers that begin a session in a browser; it ends there when the token does. */
export function cookiesOf(session: NewSession, isSecure: boolean): string[] {
  const until = `${attributesOf(isSecure)}; Expires=${session.expiresAt.toUTCString()}`;
  return [
    `${nameOf(sessionCookie, isSecure)}=${session.token}; ${until}; HttpOnly`,
    `${nameOf(csrfCookie, isSecure)}=${session.csrfToken}; ${until}`,
  ];
}

/** Those that end it. */
export function endedCookies(isSecure: boolean): string[] {
  const past = `${attributesOf(isSecure)}; Max-Age=0`;
  return [
    `${nameOf(sessionCookie, isSecure)}=; ${past}; HttpOnly`,
    `${nameOf(csrfCookie, isSecure)}=; ${past}`,
  ];
}

function nameOf(cookie: string, isSecure: boolean): string {
  return isSecure ? `${hostPrefix}${cookie}` : cookie;
}

function attributesOf(isSecure: boolean): string {
  return `Path=/; SameSite=Strict${isSecure ? '; Secure' : ''}`;
}
