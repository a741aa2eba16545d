import { TicklakeError } from '#core/platform/errors.ts';

export function topicMissing(topic: string, cause?: unknown): TicklakeError {
  return new TicklakeError('NOT_FOUND', `The event log has no topic ${topic}`, {
    cause,
    remedy: 'Start the role that writes it (it creates the topic), or check the name.',
  });
}

export function wrongPartitions(topic: string, wanted: number, actual: number): TicklakeError {
  return new TicklakeError('CONFIG_INVALID', `Topic ${topic} has ${actual} partitions, not ${wanted}`, {
    remedy: 'Configure the number of partitions the topic has, or use another topic.',
  });
}
