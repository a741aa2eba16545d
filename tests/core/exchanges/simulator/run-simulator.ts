import { openSimulator } from './support.ts';

/** A process to be killed: serves until then, at the speed and with the clock file that it is given. */
const [clockFile = '', speed = '1'] = process.argv.slice(2);
const { url, wsUrl } = await openSimulator({ clockFile, speed: speed === 'max' ? 'max' : Number(speed) });
process.stdout.write(`${JSON.stringify({ url, wsUrl })}\n`);
