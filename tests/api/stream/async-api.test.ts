import specs from '@asyncapi/specs';
import { Ajv, type AnySchema } from 'ajv';
import { Compile } from 'typebox/compile';
import { expect, test } from 'vitest';
import { ClientMessage, ServerMessage } from '#api/schemas/stream.ts';
import { asyncApi } from '#api/stream/async-api.ts';

const document = asyncApi('1.2.3');
const { messages } = document.components;

test('the document is one of AsyncAPI 3', () => {
  const ajv = new Ajv({ strict: false, validateFormats: false, allErrors: true });
  const isValid = ajv.validate(
    specs.schemasWithoutId['3.0.0'] as AnySchema,
    JSON.parse(JSON.stringify(document)),
  );
  expect(ajv.errors?.map(({ instancePath, message }) => `${instancePath} ${message}`) ?? []).toEqual([]);
  expect(isValid).toBe(true);
});

test('every reference in it leads somewhere', () => {
  const text = JSON.stringify(document);
  const references = [...text.matchAll(/"\$ref":"#\/([^"]+)"/g)].map(([, path = '']) => path);
  expect(references.length).toBeGreaterThan(50);
  for (const path of references) {
    let at: unknown = document;
    for (const part of path.split('/')) at = (at as Record<string, unknown> | undefined)?.[part];
    expect(at, path).toBeDefined();
  }
});

test('each message is in it by op and channel, in an operation, and its example is one that is taken or said', () => {
  const [client, server] = [Compile(ClientMessage), Compile(ServerMessage)];
  const inOperations = JSON.stringify(document.operations);
  for (const { name, examples } of Object.values(messages)) {
    const { payload } = examples[0] ?? {};
    expect(client.Check(payload) || server.Check(payload), JSON.stringify(payload)).toBe(true);
    const { op, channel } = payload as { op: string; channel?: string };
    expect(name).toBe(channel === undefined ? op : `${op}.${channel}`);
    expect(inOperations).toContain(`/messages/${name}"`);
  }
  expect(Object.keys(messages)).toEqual(
    expect.arrayContaining([
      'subscribe.trades',
      'update.orders',
      'resumed.balances',
      'placeOrder',
      'pong',
      'snapshot.jobs',
    ]),
  );
});
