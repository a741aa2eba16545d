import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Alert, NewAlert } from '#core/alerts/alert.ts';
import { announce } from '#core/alerts/deliveries.ts';
import { openGround, type Ground } from './ground.ts';
import { runCli } from './support.ts';

describe('ticklake alerts list', { timeout: 120_000 }, () => {
  let ground: Ground;

  beforeAll(async () => {
    ground = await openGround();
    const facts = { detail: {}, userId: randomUUID() };
    const alerts: NewAlert[] = [
      {
        ...facts,
        ...{ kind: 'wash_trade', severity: 'critical', audience: 'operators' },
        causeKey: '1',
        cause: 'wash',
      },
      {
        ...facts,
        ...{ kind: 'order_burst', severity: 'warning', audience: 'operators' },
        causeKey: '2',
        cause: 'burst',
      },
      {
        ...facts,
        ...{ kind: 'price_reached', severity: 'info', audience: 'user' },
        causeKey: '3',
        cause: 'price',
      },
    ];
    for (const alert of alerts)
      await ground.owner.transaction((tx) => announce(tx, [alert], { hasMail: false }));
  });
  afterAll(async () => {
    await ground.close();
  });

  it('shows what who watches over trading should know of', async () => {
    const argv = ['--data-dir', ground.dataDir, 'alerts', 'list'];
    const { code, stdout } = await runCli([...argv, '--json']);
    expect(code).toBe(0);
    expect((JSON.parse(stdout) as Alert[]).map(({ cause }) => cause)).toEqual(['burst', 'wash']);
    const severe = await runCli([...argv, '--severity', 'critical', '--state', 'open']);
    expect(severe.stdout).toContain('wash');
    expect(severe.stdout).not.toContain('burst');
  });
});
