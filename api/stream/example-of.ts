/** As much of JSON Schema as messages are described with. */
export interface JsonSchema {
  type?: string;
  const?: unknown;
  enum?: readonly unknown[];
  examples?: readonly unknown[];
  default?: unknown;
  format?: string;
  minimum?: number;
  pattern?: string;
  anyOf?: JsonSchema[];
  items?: JsonSchema;
  properties?: Record<string, JsonSchema>;
  required?: string[];
  description?: string;
}

const byFormat: Readonly<Record<string, string>> = {
  uuid: '0b8e4f0c-3c5e-4c0e-9a44-5a0a4b0f1c11',
  'date-time': '2026-03-01T12:00:00.000123Z',
  date: '2026-03-01',
  email: 'ada@example.com',
};

/** Some value of a schema: its own example where it has one, and all that it requires. */
export function exampleOf(schema: JsonSchema): unknown {
  if (schema.const !== undefined) return schema.const;
  for (const known of [schema.examples, schema.enum]) if (known?.[0] !== undefined) return known[0];
  if (schema.default !== undefined) return schema.default;
  if (schema.anyOf?.[0] !== undefined) return exampleOf(schema.anyOf[0]);
  switch (schema.type) {
    case 'object': {
      const required = new Set(schema.required);
      const members = Object.entries(schema.properties ?? {}).filter(([name]) => required.has(name));
      return Object.fromEntries(members.map(([name, of]) => [name, exampleOf(of)]));
    }
    case 'array':
      return schema.items === undefined ? [] : [exampleOf(schema.items)];
    case 'string':
      return byFormat[schema.format ?? ''] ?? 'text';
    case 'integer':
    case 'number':
      return schema.minimum ?? 1;
    case 'boolean':
      return false;
    default:
      return null;
  }
}
