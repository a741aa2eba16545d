/** The consumer group that brings the log into the lake. */
export const lakeGroup = 'lake';
