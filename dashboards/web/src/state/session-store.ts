import { ProblemError, type User } from '#api/client/index.ts';
import { api, csrfToken } from '../api.ts';
import { Observed } from './observed.ts';

export type SessionState =
  | { is: 'asking' }
  /** `why` where somebody was, until just before. */
  | { is: 'nobody'; why?: string }
  | { is: 'user'; user: User };

const retryMs = 3_000;

/** Who uses the page. */
export class SessionStore extends Observed {
  #state: SessionState = csrfToken() === undefined ? { is: 'nobody' } : { is: 'asking' };

  state = (): SessionState => this.#state;

  userId = (): string | undefined => (this.#state.is === 'user' ? this.#state.user.id : undefined);

  /** Finds out whose session the browser has kept. */
  async begin(leaving: AbortSignal): Promise<void> {
    while (this.#state.is === 'asking' && !leaving.aborted) {
      try {
        this.#become({ is: 'user', user: await api.account.me(leaving) });
      } catch (error) {
        if (leaving.aborted) return;
        if (isSignedOut(error)) return this.#become({ is: 'nobody' });
        await new Promise((resolve) => setTimeout(resolve, retryMs));
      }
    }
  }

  /** @throws ProblemError */
  async signIn(credentials: { email: string; password: string }): Promise<void> {
    await api.account.signIn(credentials);
    this.#become({ is: 'user', user: await api.account.me() });
  }

  /** @throws ProblemError */
  async signUp(credentials: { email: string; password: string }): Promise<void> {
    await api.account.signUp(credentials);
    await this.signIn(credentials);
  }

  /** @throws ProblemError where the service does not know of it */
  async signOut(): Promise<void> {
    try {
      await api.account.signOut();
    } catch (error) {
      if (!isSignedOut(error)) throw error;
    }
    this.#become({ is: 'nobody' });
  }

  /** The service has said that the session counts no longer. */
  ended(): void {
    if (this.#state.is === 'user')
      this.#become({ is: 'nobody', why: 'Your session has ended: sign in again.' });
  }

  #become(state: SessionState): void {
    this.#state = state;
    this.changed();
  }
}

export function isSignedOut(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'UNAUTHENTICATED';
}
