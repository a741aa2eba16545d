import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { AuditList } from '#api/schemas/audit.ts';
import type { MadeApiKey } from '#api/schemas/api-keys.ts';
import type { NewSession, SessionList } from '#api/schemas/identity.ts';
import { allowedFromAddress } from '#core/identity/lock-out.ts';
import { issueReset, setPassword } from '#core/identity/change-password.ts';
import { disableUser, enableUser } from '#core/identity/disable-user.ts';
import { idleMsMax } from '#core/identity/sessions.ts';
import { giveRole } from '#core/identity/users.ts';
import { setGlobalRisk } from '#core/trading/kill-switch.ts';
import type { TestLake } from '#tests/support/lake.ts';
import { openAdminGround, password, type AdminGround } from './admin-ground.ts';
import type { Ask } from './asking.ts';
import type { Service } from './service.ts';

const newPassword = 'another long sentence';
const wrong = 'not this one';

let opened: AdminGround;
let ground: TestLake;
let service: Service;
let ask: Ask;
let admin: string;
let signUp: AdminGround['signUp'];

beforeAll(async () => {
  opened = await openAdminGround();
  ({ ground, service, ask, admin, signUp } = opened);
});

afterAll(async () => {
  await opened.close();
});

async function signIn(email: string, given: string, from = '192.0.2.1') {
  return await service.app.inject({
    ...{ method: 'POST', url: '/v1/sessions', remoteAddress: from },
    headers: { host: 'localhost' },
    payload: { email, password: given },
  });
}

async function eventsOf(userId: string): Promise<AuditList['items']> {
  const { items } = await ask<AuditList>('GET', `/v1/audit?userId=${userId}`, { token: admin });
  return items;
}

describe('wrong passwords', () => {
  it('lock an account for where they come from, alike where there is none', async () => {
    const { userId } = await signUp('locked@example.com');
    for (const email of ['locked@example.com', 'nobody@example.com']) {
      for (let count = 0; count < allowedFromAddress; count += 1) {
        expect((await signIn(email, wrong)).statusCode).toBe(401);
      }
    }
    const known = await signIn('LOCKED@example.com ', password);
    const unknown = await signIn('nobody@example.com', password);
    expect([known.statusCode, unknown.statusCode]).toEqual([429, 429]);
    expect(known.json()).toMatchObject({ code: 'RATE_LIMITED', detail: 'too many attempts to sign in' });
    expect(Object.keys(known.headers)).toEqual(Object.keys(unknown.headers));
    expect(Number(known.headers['retry-after'])).toBeGreaterThan(0);
    expect((await signIn('locked@example.com', password, '192.0.2.2')).statusCode).toBe(201);
    const details = (await eventsOf(userId)).map(({ detail }) => detail);
    expect(details).toContain('wrong password, locked');
    expect(details).toContain('locked');
    await ground.database.query('update identity.sign_in_failures set locked_until = clock_timestamp()');
    expect((await signIn('locked@example.com', password)).statusCode).toBe(201);
  });

  it('are counted where a password is changed, too', async () => {
    const { token, userId } = await signUp('guess@example.com');
    const body = { currentPassword: wrong, newPassword };
    for (let count = 0; count < allowedFromAddress; count += 1) {
      await ask('PUT', '/v1/users/me/password', { token, body, status: 401 });
    }
    const right = { currentPassword: password, newPassword };
    await ask('PUT', '/v1/users/me/password', { token, body: right, status: 429 });
    const events = (await eventsOf(userId)).map(({ event }) => event);
    expect(events).not.toContain('password_changed');
    expect(events.filter((event) => event === 'password_refused')).toHaveLength(allowedFromAddress);
  });
});

describe('a password that is guessed first', () => {
  const easy = ['password123', 'ticklake2026', 'guessed@example.com'];

  it('is set in no way', async () => {
    const { token, userId } = await signUp('guessed@example.com');
    const reset = await issueReset(ground.database, userId);
    for (const guess of easy) {
      const body = { email: 'guessed@example.com', password: guess };
      await ask('POST', '/v1/users', { body, status: 400 });
      const change = { currentPassword: password, newPassword: guess };
      await ask('PUT', '/v1/users/me/password', { token, body: change, status: 400 });
      const redeemed = { token: reset.token, newPassword: guess };
      await ask('POST', '/v1/password-resets', { body: redeemed, status: 400 });
      const set = setPassword(ground.database, service.identity.passwords, { userId, newPassword: guess });
      await expect(set).rejects.toMatchObject({ code: 'BAD_REQUEST' });
    }
    await ask('GET', '/v1/users/me', { token });
  });
});

it('a password counts for as long as nobody changes it', async () => {
  const { userId } = await signUp('years@example.com');
  const { rowCount } = await ground.database.query(
    `update identity.users set created_at = created_at - interval '9 years', updated_at = updated_at - interval '9 years'
     where user_id = $1`,
    [userId],
  );
  expect(rowCount).toBe(1);
  expect((await signIn('years@example.com', password)).statusCode).toBe(201);
});

describe('a user who is disabled', () => {
  it('has no session and no key, and gets none, until enabled', async () => {
    const email = 'gone@example.com';
    const { token, userId } = await signUp(email);
    const body = { name: 'a program', scopes: ['read'] };
    const { key } = await ask<MadeApiKey>('POST', '/v1/api-keys', { token, body, status: 201 });
    const reset = await issueReset(ground.database, userId);
    await disableUser(ground.database, userId);
    service.identity.sessions.forget(userId);
    for (const given of [token, key]) await ask('GET', '/v1/users/me', { token: given, status: 401 });
    const [right, wrongOne] = [await signIn(email, password), await signIn(email, wrong)];
    expect([right.statusCode, right.body]).toEqual([401, wrongOne.body]);
    await ask('POST', '/v1/password-resets', { body: { token: reset.token, newPassword }, status: 204 });
    expect((await signIn(email, newPassword)).statusCode).toBe(401);
    await enableUser(ground.database, userId);
    expect((await signIn(email, newPassword)).statusCode).toBe(201);
    for (const given of [token, key]) await ask('GET', '/v1/users/me', { token: given, status: 401 });
    const events = (await eventsOf(userId)).map(({ event, detail }) => detail ?? event);
    expect(events).toEqual(expect.arrayContaining(['user_disabled', 'disabled', 'user_enabled']));
    await expect(disableUser(service.database, userId)).rejects.toThrow(/permission denied/);
  });
});

describe('a session', () => {
  it('is seen and ended by its user, who says the password again', async () => {
    const [email, other] = ['several@example.com', await signUp('apart@example.com')];
    const { token } = await signUp(email);
    const more = [];
    for (let count = 0; count < 2; count += 1) {
      more.push((await signIn(email, password)).json<NewSession>().token);
    }
    const listed = async (): Promise<SessionList['items']> =>
      (await ask<SessionList>('GET', '/v1/sessions', { token })).items;
    const before = await listed();
    expect(before.map(({ isCurrent }) => isCurrent)).toEqual([false, false, true]);
    const [newest] = before;
    const end = async (body: object, status: number, as = token): Promise<unknown> =>
      await ask('POST', '/v1/sessions/end', { token: as, body, status });
    await end({ password: wrong, id: newest?.id }, 401);
    await end({ password, id: newest?.id }, 404, other.token);
    expect(await listed()).toHaveLength(3);
    expect(await end({ password, id: newest?.id }, 200)).toEqual({ ended: 1 });
    await ask('GET', '/v1/users/me', { token: more[1] ?? '', status: 401 });
    expect(await end({ password }, 200)).toEqual({ ended: 1 });
    await ask('GET', '/v1/users/me', { token: more[0] ?? '', status: 401 });
    expect((await listed()).map(({ isCurrent }) => isCurrent)).toEqual([true]);
    await ask('GET', '/v1/users/me', { token: other.token });
  });

  it('that nobody uses for hours is over, and one that is used goes on', async () => {
    const used = await signUp('used@example.com');
    const idle = await signUp('idle@example.com');
    const setSeen = async ({ userId }: { userId: string }, agoMs: number): Promise<void> => {
      const { rowCount } = await ground.database.query(
        `update identity.sessions set seen_at = clock_timestamp() - $2 * interval '1 millisecond' where user_id = $1`,
        [userId, agoMs],
      );
      expect(rowCount).toBe(1);
      service.identity.sessions.forget(userId);
    };
    await setSeen(used, idleMsMax - 600_000);
    await setSeen(idle, idleMsMax + 1_000);
    await ask('GET', '/v1/users/me', { token: idle.token, status: 401 });
    await ask('GET', '/v1/users/me', { token: used.token });
    const { rows } = await ground.database.query<{ isSeen: boolean }>(
      `select seen_at > clock_timestamp() - interval '1 minute' as "isSeen" from identity.sessions where user_id = $1`,
      [used.userId],
    );
    expect(rows).toEqual([{ isSeen: true }]);
  });
});

describe('a reset', () => {
  const body = (token: string) => ({ token, newPassword });

  it('sets a password once, and ends all sessions', async () => {
    const { token, userId } = await signUp('reset@example.com');
    const earlier = await issueReset(ground.database, userId);
    const reset = await issueReset(ground.database, userId);
    await ask('POST', '/v1/password-resets', { body: body(earlier.token), status: 401 });
    const short = { token: reset.token, newPassword: 'seven77' };
    await ask('POST', '/v1/password-resets', { body: short, status: 400 });
    await ask('GET', '/v1/users/me', { token });
    const together = await Promise.all(
      Array.from({ length: 3 }, async () => {
        const headers = { host: 'localhost' };
        const url = '/v1/password-resets';
        return (await service.app.inject({ method: 'POST', url, headers, payload: body(reset.token) }))
          .statusCode;
      }),
    );
    expect(together.toSorted()).toEqual([204, 401, 401]);
    await ask('POST', '/v1/password-resets', { body: body(reset.token), status: 401 });
    await ask('GET', '/v1/users/me', { token, status: 401 });
    expect((await signIn('reset@example.com', password)).statusCode).toBe(401);
    expect((await signIn('reset@example.com', newPassword)).statusCode).toBe(201);
  });

  it('is over after an hour, is stored as a hash alone, and is made by the owner alone', async () => {
    const { userId } = await signUp('over@example.com');
    const { token, expiresAt } = await issueReset(ground.database, userId);
    expect(expiresAt.getTime() - Date.now()).toBeLessThanOrEqual(3_600_000);
    const { rows } = await ground.database.query('select * from identity.password_resets');
    expect(JSON.stringify(rows)).not.toContain(token);
    await ground.database.query('update identity.password_resets set expires_at = clock_timestamp()');
    await ask('POST', '/v1/password-resets', { body: body(token), status: 401 });
    await ask('POST', '/v1/password-resets', { body: body('x'.repeat(43)), status: 401 });
    await expect(issueReset(service.database, userId)).rejects.toThrow(/permission denied/);
  });
});

describe('the audit log', () => {
  it('has what was done, by whom and from where, and no secret', async () => {
    const { token, userId } = await signUp('audited@example.com');
    await signIn('audited@example.com', wrong, '2001:db8::17');
    await signIn('audited@example.com', password, '198.51.100.7');
    await giveRole(ground.database, userId, 'operator');
    const body = { currentPassword: password, newPassword };
    await ask('PUT', '/v1/users/me/password', { token, body, status: 204 });
    const { token: renewed } = (await signIn('audited@example.com', newPassword)).json<NewSession>();
    const turned = { state: 'halted', reason: 'a drill' };
    await ask('PUT', '/v1/risk/state', { token: renewed, body: turned });
    await setGlobalRisk(ground.database, { risk: 'active', by: 'owner', reason: 'over', atUs: 1 });
    await ask('DELETE', '/v1/sessions/current', { token: renewed, status: 204 });
    await issueReset(ground.database, userId);
    const events = (await eventsOf(userId)).toReversed();
    expect(events.map(({ event, address, detail }) => [event, address, detail])).toEqual([
      ['user_created', '127.0.0.1', null],
      ['sign_in', '127.0.0.1', null],
      ['sign_in_refused', '2001:db8::', 'wrong password'],
      ['sign_in', '198.51.100.7', null],
      ['role_changed', null, 'trader to operator'],
      ['password_changed', '127.0.0.1', null],
      ['sign_in', '192.0.2.1', null],
      ['kill_switch', null, 'halted for all: a drill'],
      ['sign_out', '127.0.0.1', null],
      ['password_reset_issued', null, null],
    ]);
    expect(JSON.stringify(events)).not.toMatch(new RegExp(`${password}|${newPassword}|\\$2b|${wrong}`));
    const { items } = await ask<AuditList>('GET', '/v1/audit?limit=3', { token: admin });
    expect(items.map(({ detail }) => detail)).toContain('active for all: over');
  });

  it('comes in pages, for an admin alone', async () => {
    const ids: number[] = [];
    for (let cursor: string | null = ''; cursor !== null;) {
      const query: string = cursor === '' ? '' : `&cursor=${cursor}`;
      const page: AuditList = await ask<AuditList>('GET', `/v1/audit?limit=7${query}`, { token: admin });
      ids.push(...page.items.map(({ id }) => id));
      cursor = page.nextCursor;
    }
    const { rows } = await ground.database.query<{ count: number }>('select count(*) from identity.audit');
    expect([ids.length, new Set(ids).size]).toEqual([rows[0]?.count, rows[0]?.count]);
    expect(ids).toEqual(ids.toSorted((a, b) => b - a));
    const { token: trader } = await signUp('curious@example.com');
    await ask('GET', '/v1/audit', { token: trader, status: 403 });
  });

  it('is changed and cut by nobody', async () => {
    const changes = [
      `update identity.audit set detail = 'x'`,
      'delete from identity.audit',
      'truncate identity.audit',
    ];
    for (const change of changes) {
      await expect(service.database.query(change)).rejects.toThrow(/permission denied/);
      await expect(ground.database.query(change)).rejects.toThrow(/append-only/);
    }
  });
});
