import type { AddressInfo } from 'node:net';
import { SMTPServer } from 'smtp-server';
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest';
import type { Severity } from '#core/alerts/alert.ts';
import { setMailPreference } from '#core/alerts/mail-preferences.ts';
import { Metrics } from '#core/platform/metrics.ts';
import { startMail } from '#pipelines/send-notifications/mail.ts';
import type { Sender } from '#pipelines/send-notifications/webhooks.ts';
import { logger } from '#tests/core/trading/support.ts';
import { openTellingGround, type TellingGround } from './ground.ts';

const bounds = { timeout: 30_000, interval: 20 };

interface Mail {
  to: string;
  text: string;
}

let ground: TellingGround;
let server: SMTPServer;
let smtpUrl: string;
let sender: Sender | undefined;
let mails: Mail[] = [];
/** What the server answers to the next mails; nothing: it takes them. */
let refusals: number[] = [];

beforeAll(async () => {
  ground = await openTellingGround();
  server = new SMTPServer({
    disabledCommands: ['STARTTLS', 'AUTH'],
    onData(stream, session, callback) {
      const chunks: Buffer[] = [];
      stream.on('data', (chunk: Buffer) => chunks.push(chunk));
      stream.on('end', () => {
        const responseCode = refusals.shift();
        if (responseCode !== undefined) return callback(Object.assign(new Error('no'), { responseCode }));
        const to = session.envelope.rcptTo.map(({ address }) => address).join();
        // Quoted-printable (RFC 2045) breaks lines where it likes.
        mails.push({ to, text: Buffer.concat(chunks).toString().replaceAll('=\r\n', '') });
        callback();
      });
    },
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  smtpUrl = `smtp://127.0.0.1:${(server.server.address() as AddressInfo).port}`;
});
afterEach(async () => {
  await sender?.close();
  sender = undefined;
  mails = [];
  refusals = [];
});
afterAll(async () => {
  await new Promise<void>((resolve) => server.close(resolve));
  await ground.close();
});

function start(url = smtpUrl): void {
  const { database } = ground;
  const times = { pauseMs: 200, retryMs: { firstMs: 20, maxMs: 100 } };
  const options = { database, smtpUrl: url, from: 'alerts@example.com', logger, metrics: new Metrics() };
  sender = startMail({ ...options, ...times });
}

async function userWith(severity: Severity | null): Promise<string> {
  const userId = await ground.newUser();
  if (severity !== null) await setMailPreference(ground.trading.database, userId, severity);
  return userId;
}

/** States of what was to be mailed to a user. */
async function states(userId: string): Promise<string[]> {
  const { rows } = await ground.database.query<{ state: string }>(
    'select state from alerts.deliveries where user_id = $1 and webhook_id is null order by created_at',
    [userId],
  );
  return rows.map(({ state }) => state);
}

describe('mail', () => {
  it('has all that waits for a user, and goes to who asked for it alone', async () => {
    const wants = await userWith('warning');
    const never = await userWith(null);
    for (const userId of [wants, never]) {
      await ground.raise(userId, ['burst', 'rejects'], { severity: 'warning', hasMail: true });
      await ground.raise(userId, ['a price'], { severity: 'info', hasMail: true });
      await ground.raise(userId, ['wash trade'], { severity: 'critical', hasMail: true });
      await ground.raise(userId, ['without a server'], { severity: 'critical', hasMail: false });
    }
    start();
    await vi.waitFor(() => expect(mails).toHaveLength(1), bounds);
    const [{ to, text } = { to: '', text: '' }] = mails;
    expect(to).toBe(`${wants}@example.com`);
    expect(text).toMatch(/^Subject: ticklake: .* \(and 2 more\)\r$/m);
    expect(text).toMatch(/^Message-ID: <[0-9a-f-]{36}@ticklake>\r$/m);
    for (const cause of ['warning: burst', 'warning: rejects', 'critical: wash trade'])
      expect(text).toContain(cause);
    expect(text).not.toMatch(/a price|without a server/);
    await vi.waitFor(async () => expect(await states(wants)).toEqual(Array(3).fill('delivered')), bounds);
    await ground.raise(wants, ['later'], { severity: 'critical', hasMail: true });
    await vi.waitFor(() => expect(mails).toHaveLength(2), bounds);
    expect(await states(never)).toEqual([]);
  });

  it('is sent again by the same id where the server is busy, and given up where it says no', async () => {
    const busy = await userWith('info');
    refusals = [451, 421];
    await ground.raise(busy, ['patience'], { hasMail: true });
    start();
    await vi.waitFor(async () => expect(await states(busy)).toEqual(['delivered']), bounds);
    expect(refusals).toEqual([]);
    const wrong = await userWith('info');
    refusals = [550];
    await ground.raise(wrong, ['nobody there'], { hasMail: true });
    await vi.waitFor(async () => expect(await states(wrong)).toEqual(['failed']), bounds);
    expect(mails.map(({ to }) => to)).toEqual([`${busy}@example.com`]);
  });

  it('keeps causes from adding headers', async () => {
    const userId = await userWith('info');
    await ground.raise(userId, ['note\r\nBcc: all@example.com'], { hasMail: true });
    start();
    await vi.waitFor(() => expect(mails).toHaveLength(1), bounds);
    expect(mails[0]?.text.split('\r\n\r\n')[0]).not.toMatch(/^Bcc:/m);
    expect(mails[0]?.to).toBe(`${userId}@example.com`);
  });
});
