import type { NewSession, User } from '#api/schemas/identity.ts';
import { giveRole } from '#core/identity/users.ts';
import { openTestLake, type TestLake } from '#tests/support/lake.ts';
import { asking, type Ask } from './asking.ts';
import { openService, type Service } from './service.ts';

export const password = 'correct horse battery staple';

/** A service with an admin, and users who sign up. */
export interface AdminGround {
  ground: TestLake;
  service: Service;
  ask: Ask;
  /** The admin's token. */
  admin: string;
  signUp(email: string): Promise<{ token: string; userId: string }>;
  close(): Promise<void>;
}

export async function openAdminGround(): Promise<AdminGround> {
  const ground = await openTestLake();
  const service = await openService(ground);
  const ask = asking(service.app);
  const signUp = async (email: string): Promise<{ token: string; userId: string }> => {
    const body = { email, password };
    const { id } = await ask<User>('POST', '/v1/users', { body, status: 201 });
    const { token } = await ask<NewSession>('POST', '/v1/sessions', { body, status: 201 });
    return { token, userId: id };
  };
  const { token: admin, userId } = await signUp('admin@example.com');
  await giveRole(ground.database, userId, 'admin');
  service.identity.sessions.forget(userId);
  return {
    ...{ ground, service, ask, admin, signUp },
    async close() {
      await service.close();
      await ground.close();
    },
  };
}
