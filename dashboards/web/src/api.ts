import { createRestClient } from '#api/client/index.ts';

/** The service that served this page. Its session is in a cookie that no script reads. */
export const api = createRestClient(location.origin, { csrfToken });

export const streamUrl = new URL('/v1/stream', location.origin.replace(/^http/, 'ws')).href;

/** What shows the service that this page asks, and no other; there is one as long as there may be a session. */
export function csrfToken(): string | undefined {
  return document.cookie
    .split('; ')
    .find((pair) => /^(__Host-)?ticklake_csrf=/.test(pair))
    ?.split('=')[1];
}
