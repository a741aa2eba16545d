import type { FastifyInstance, InjectOptions } from 'fastify';
import { expect } from 'vitest';

export interface Asked {
  token?: string;
  body?: object;
  headers?: Record<string, string>;
  /** What is expected; default 200. */
  status?: number;
}

export type Ask = <T>(method: Method, url: string, asked?: Asked) => Promise<T>;
type Method = NonNullable<InjectOptions['method']>;

/** Asks a service as a program does, and holds the answer to its status. */
export function asking(app: FastifyInstance): Ask {
  return async <T>(method: Method, url: string, asked: Asked = {}): Promise<T> => {
    const { token, body, status = 200 } = asked;
    const answer = await app.inject({
      method,
      url,
      headers: {
        host: 'localhost:8080',
        ...(token === undefined ? {} : { authorization: `Bearer ${token}` }),
        ...(body === undefined && ['POST', 'PUT', 'PATCH'].includes(method)
          ? { 'content-type': 'application/json' }
          : {}),
        ...asked.headers,
      },
      ...(body === undefined ? {} : { payload: body }),
    });
    expect(answer.statusCode, `${method} ${url}: ${answer.body}`).toBe(status);
    // What a test takes it for is what the route's schema says.
    return (answer.body === '' ? undefined : answer.json()) as T;
  };
}
