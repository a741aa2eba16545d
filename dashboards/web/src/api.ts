import { createRestClient } from '#api/client/index.ts';

/** The service that served this page. */
export const api = createRestClient(location.origin);

export const streamUrl = new URL('/v1/stream', location.origin.replace(/^http/, 'ws')).href;
