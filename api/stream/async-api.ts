import type { TSchema } from 'typebox';
import { ClientMessage, ServerMessage } from '../schemas/stream.ts';
import { exampleOf, type JsonSchema } from './example-of.ts';

/** AsyncAPI 3.0: what is said on the socket, made from the schemas that check it. */
export interface AsyncApiDocument {
  asyncapi: '3.0.0';
  info: Record<string, unknown>;
  defaultContentType: string;
  channels: Record<string, Record<string, unknown>>;
  operations: Record<string, Record<string, unknown>>;
  components: { messages: Record<string, AsyncApiMessage>; securitySchemes: Record<string, unknown> };
}

export interface AsyncApiMessage {
  name: string;
  title: string;
  payload: JsonSchema;
  examples: { payload: unknown }[];
}

/** What answers what a client says; the rest comes by itself. */
const replies: Readonly<Record<string, readonly string[]>> = {
  subscribe: ['snapshot', 'resumed'],
  unsubscribe: ['unsubscribed'],
  authenticate: ['authenticated'],
  placeOrder: ['placed', 'refused'],
  cancelOrder: ['canceled', 'refused'],
  ping: ['pong'],
};

const description = `One JSON text per message, both ways; a client's messages are answered in their order.

A subscription is answered by a \`snapshot\`, then by an \`update\` for what is new. Each of them has a \`resumeToken\`: who comes
back and subscribes with the last one of that channel is sent what was missed, then \`resumed\`, and nothing twice. Private channels
(\`orders\`, \`balances\`, \`alerts\`) go on from any token, for ever; the \`sequence\` of the first two is the number of the portfolio's newest event.
Market data goes on for as long as the log holds it; where it does not, a \`snapshot\` with \`reset: true\` comes.

What cannot be answered is an \`error\` with a problem. A socket is closed with 4001 when its session has ended (sign in anew), 4008
when its reader is too slow and 4009 when it says too much at once (come back with the last tokens), 1013 when too many clients are
there, 1001 when the service goes down.`;

/** The document, for a service of this version. */
export function asyncApi(version: string): AsyncApiDocument {
  const said = namedMessages(ClientMessage.anyOf);
  const answered = namedMessages(ServerMessage.anyOf);
  const messages = new Map([...said, ...answered]);
  const of = (names: Iterable<string>): { $ref: string }[] =>
    [...names].map((name) => ({ $ref: `#/channels/stream/messages/${name}` }));
  const answersTo = (op: string): string[] =>
    [...answered.keys()].filter((name) => (replies[op] ?? []).includes(opOf(name)));
  const stream = { $ref: '#/channels/stream' };
  const operations = Object.entries(Object.groupBy(said.keys(), opOf)).map(([op, names = []]) => {
    const answers = answersTo(op);
    const reply = answers.length === 0 ? {} : { reply: { channel: stream, messages: of(answers) } };
    return [op, { action: 'receive', channel: stream, messages: of(names), ...reply }] as const;
  });
  const unasked = [...answered.keys()].filter((name) => ['update', 'error'].includes(opOf(name)));
  return {
    asyncapi: '3.0.0',
    info: { title: 'ticklake', version, description, license: { name: 'MIT' } },
    defaultContentType: 'application/json',
    channels: {
      stream: {
        address: '/v1/stream',
        title: 'All that is live',
        messages: Object.fromEntries(
          [...messages.keys()].map((name) => [name, { $ref: `#/components/messages/${name}` }]),
        ),
        bindings: { ws: { method: 'GET', bindingVersion: '0.1.0' } },
      },
    },
    operations: {
      ...Object.fromEntries(operations),
      tell: { action: 'send', channel: stream, messages: of(unasked) },
    },
    components: {
      messages: Object.fromEntries(messages),
      securitySchemes: {
        bearer: { type: 'http', scheme: 'bearer', description: 'Of the request that opens the socket.' },
      },
    },
  };
}

/** Each message under `op`, and `op.channel` where it is of one; a schema of several is one message for each. */
function namedMessages(schemas: readonly TSchema[]): Map<string, AsyncApiMessage> {
  const messages = new Map<string, AsyncApiMessage>();
  for (const schema of schemas.map(plain)) {
    for (const op of valuesOf(schema, 'op')) {
      for (const channel of valuesOf(schema, 'channel')) {
        const name = [op, channel].filter((part) => part !== undefined).join('.');
        const payload = narrowed(narrowed(schema, 'op', op), 'channel', channel);
        const title = channel === undefined ? `${op}` : `${op} of ${channel}`;
        messages.set(name, { name, title, payload, examples: [{ payload: exampleOf(payload) }] });
      }
    }
  }
  return messages;
}

/** What a property may be, where that is a word or some; `jobs` is a pattern. Undefined where there is none. */
function valuesOf(schema: JsonSchema, property: string): (string | undefined)[] {
  const of = schema.properties?.[property];
  if (of === undefined) return [undefined];
  if (of.const !== undefined) return [String(of.const)];
  return (of.enum ?? of.examples ?? []).map(String);
}

/** The schema with one of the words that a property may be. */
function narrowed(schema: JsonSchema, property: string, value: string | undefined): JsonSchema {
  const of = schema.properties?.[property];
  if (of?.enum === undefined || value === undefined) return schema;
  return { ...schema, properties: { ...schema.properties, [property]: { type: 'string', const: value } } };
}

function opOf(name: string): string {
  return name.split('.')[0] ?? name;
}

/** Without what the schema library keeps beside JSON Schema. */
function plain(schema: TSchema): JsonSchema {
  return JSON.parse(JSON.stringify(schema)) as JsonSchema;
}
