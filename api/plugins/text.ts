import plugin from 'fastify-plugin';
import { TicklakeError } from '#core/platform/errors.ts';

const nulInUrl = /%00/;
/** `\u0000` as JSON writes it, and not a backslash followed by the digits. */
const nulInJson = /(?<!\\)(?:\\\\)*\\u0000/;

/**
 * Takes bodies as JSON, an empty one for none: what needs no body is sent as JSON all the same, for the sake of the
 * security plugin's check. Text with a NUL character, which Postgres holds nowhere, is refused wherever it stands.
 */
export const text = plugin(
  (app) => {
    const parse = app.getDefaultJsonParser('error', 'error');
    app.removeAllContentTypeParsers();
    app.addContentTypeParser('application/json', { parseAs: 'string' }, (request, body, done) => {
      const json = body.toString();
      if (json === '') return done(null, undefined);
      if (hasNul(json)) return done(nulCharacter());
      void parse(request, json, done);
    });
    app.addHook('onRequest', (request, _reply, done) => {
      done(nulInUrl.test(request.url) ? nulCharacter() : undefined);
    });
    return Promise.resolve();
  },
  { name: 'text' },
);

/** Whether a text of JSON has a NUL character in one of its strings. */
export function hasNul(json: string): boolean {
  return nulInJson.test(json);
}

export function nulCharacter(): TicklakeError {
  return new TicklakeError('BAD_REQUEST', 'text has a NUL character', { remedy: 'Leave it out.' });
}
