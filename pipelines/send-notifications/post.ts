import { createHmac } from 'node:crypto';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { webhookUrl } from '#core/alerts/webhook-url.ts';
import { lookupPublic } from '#core/platform/public-address.ts';
import { TicklakeError } from '#core/platform/errors.ts';

export interface Message {
  /** Stays the same however often it is sent, so that the receiver tells repeats. */
  id: string;
  url: string;
  secret: Buffer;
  body: string;
}

const timeoutMs = 10_000;

/**
 * Sends a message once, signed as Standard Webhooks 1.0 says (`v1`, HMAC-SHA256 over id, time and body), and answers the
 * HTTP status. Redirects are not followed, and the answer's body is not read.
 * `closing` breaks it off. @throws BAD_REQUEST for a place that may not be called, TIMEOUT, and what the socket throws
 */
export async function postMessage(
  { id, url: text, secret, body }: Message,
  { allowsPrivate, closing }: { allowsPrivate: boolean; closing: AbortSignal },
): Promise<number> {
  const url = webhookUrl(text, { allowsPrivate });
  const timestamp = Math.floor(Date.now() / 1_000);
  const headers = {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(body),
    'user-agent': 'ticklake-webhooks/1',
    'webhook-id': id,
    'webhook-timestamp': timestamp,
    'webhook-signature': signature(secret, { id, timestamp, body }),
  };
  const late = AbortSignal.timeout(timeoutMs);
  const signal = AbortSignal.any([late, closing]);
  const send = url.protocol === 'https:' ? httpsRequest : httpRequest;
  const lookup = allowsPrivate ? {} : { lookup: lookupPublic };
  return await new Promise<number>((resolve, reject) => {
    // A connection of its own: what is open to a name may lead to where it pointed before.
    const request = send(url, { method: 'POST', headers, signal, agent: false, ...lookup }, (response) => {
      resolve(response.statusCode ?? 0);
      response.destroy();
    });
    request.on('error', (error) => {
      if (!late.aborted) return reject(error);
      reject(new TicklakeError('TIMEOUT', `no answer within ${timeoutMs / 1_000} s`, { cause: error }));
    });
    request.end(body);
  });
}

/** What the header `webhook-signature` says. */
export function signature(
  secret: Buffer,
  { id, timestamp, body }: { id: string; timestamp: number; body: string },
): string {
  return `v1,${createHmac('sha256', secret).update(`${id}.${timestamp}.${body}`).digest('base64')}`;
}
