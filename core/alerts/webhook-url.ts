import { isIP } from 'node:net';
import { TicklakeError } from '#core/platform/errors.ts';
import { isPublicAddress, notPublic } from '#core/platform/public-address.ts';

/**
 * The URL of a webhook, as it may be called: over TLS, without a user and a password, and not an address of this machine or
 * of a private network; `allowsPrivate` takes these, and plain HTTP, too. Names are looked at when they are resolved.
 * @throws BAD_REQUEST
 */
export function webhookUrl(text: string, { allowsPrivate }: { allowsPrivate: boolean }): URL {
  const url = URL.parse(text);
  if (url === null) throw refused(`${text} is not a URL`);
  const isSecure = url.protocol === 'https:';
  if (!isSecure && !(allowsPrivate && url.protocol === 'http:'))
    throw refused('a webhook is called over https');
  if (url.username !== '' || url.password !== '')
    throw refused('the URL of a webhook has no user and no password');
  const host = url.hostname.replace(/^\[|\]$/g, '');
  const isHidden =
    isIP(host) > 0 ? !isPublicAddress(host) : /(^|\.)(localhost|local|internal)\.?$/i.test(host);
  if (isHidden && !allowsPrivate) throw notPublic(host);
  return url;
}

function refused(message: string): TicklakeError {
  return new TicklakeError('BAD_REQUEST', message, {
    remedy: 'Give a URL as https://example.com/hooks; the messages are signed, so it need hold no secret.',
  });
}
