import { join } from 'node:path';

/** Where a data dir has what trading is audited by: the key, and the heads that it signed. */
export function auditPlaces(dataDir: string): { keyFile: string; headsDir: string } {
  return { keyFile: join(dataDir, 'keys', 'audit.pem'), headsDir: join(dataDir, 'audit', 'heads') };
}
