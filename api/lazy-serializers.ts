import { SerializerSelector } from '@fastify/fast-json-stringify-compiler';

type BuildSerializer = ReturnType<typeof SerializerSelector>;

/**
 * Fastify's own serializers, each made for its first answer: made for all answers of all routes they are a fifth of what it takes
 * to start the service.
 */
export const lazySerializers: BuildSerializer = (schemas, options) => {
  const build = SerializerSelector()(schemas, options);
  return (route) => {
    let serialize: ReturnType<typeof build> | undefined;
    return (answer: unknown) => (serialize ??= build(route))(answer);
  };
};
