/** Consumer group of the processes that make live candles. */
export const streamGroup = 'stream';
