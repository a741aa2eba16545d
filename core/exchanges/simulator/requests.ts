/** What a client can say on the socket. */
export interface SocketRequest {
  method: 'SUBSCRIBE' | 'UNSUBSCRIBE' | 'LIST_SUBSCRIPTIONS';
  params: string[];
  id: unknown;
}

export type ParsedRequest = SocketRequest | { error: string; id: unknown };

const maxParams = 1_024;

/** Reads a message of a client; what is wrong with it comes back as the exchange words it. */
export function parseRequest(text: string): ParsedRequest {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return { error: 'Invalid JSON: expected value', id: null };
  }
  if (typeof message !== 'object' || message === null)
    return { error: 'Invalid request: not an object', id: null };
  const { method, params = [], id = null } = message as Record<string, unknown>;
  if (method !== 'SUBSCRIBE' && method !== 'UNSUBSCRIBE' && method !== 'LIST_SUBSCRIPTIONS') {
    return { error: 'Invalid request: unknown method', id };
  }
  if (
    !Array.isArray(params) ||
    params.length > maxParams ||
    !params.every((name) => typeof name === 'string')
  ) {
    return { error: 'Invalid request: params must be a list of stream names', id };
  }
  return { method, params, id };
}
