import type { NewSession, User } from '../schemas/identity.ts';
import type { Asker } from './ask.ts';

/** A user's account. In a browser the session is kept in a cookie, and `signIn` changes whose the client is. */
export interface AccountClient {
  signUp(user: { email: string; password: string; displayName?: string }): Promise<User>;
  signIn(credentials: { email: string; password: string }): Promise<NewSession>;
  signOut(): Promise<void>;
  /** Who is signed in. @throws ProblemError with UNAUTHENTICATED where nobody is */
  me(signal?: AbortSignal): Promise<User>;
  rename(displayName: string | null): Promise<User>;
  /** Ends all sessions, this one too. */
  changePassword(passwords: { currentPassword: string; newPassword: string }): Promise<void>;
}

export function createAccountClient({ ask }: Asker): AccountClient {
  return {
    signUp: (body) => ask('/v1/users', { method: 'POST', body }),
    signIn: (body) => ask('/v1/sessions', { method: 'POST', body }),
    signOut: () => ask('/v1/sessions/current', { method: 'DELETE' }),
    me: (signal) => ask('/v1/users/me', { signal }),
    rename: (displayName) => ask('/v1/users/me', { method: 'PATCH', body: { displayName } }),
    changePassword: (body) => ask('/v1/users/me/password', { method: 'PUT', body }),
  };
}
