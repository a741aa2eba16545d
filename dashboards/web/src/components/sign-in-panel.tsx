import { useState } from 'react';
import { useForm } from 'react-hook-form';
import { reasonOf, type Reason } from '../reason.ts';
import type { SessionStore } from '../state/session-store.ts';
import { Field } from './field.tsx';
import { Refusal } from './refusal.tsx';
import { Tabs } from './tabs.tsx';

interface Credentials {
  email: string;
  password: string;
}

type Way = 'in' | 'up';

const ways = {
  in: { title: 'Sign in', failed: 'You are not signed in', password: 'current-password' },
  up: { title: 'Create account', failed: 'The account was not made', password: 'new-password' },
} as const;
const passwordLengthMin = 8;

/** For who is nobody yet: signs in, or makes an account and signs in with it. */
export function SignInPanel({ session, why }: { session: SessionStore; why: string | undefined }) {
  const [way, setWay] = useState<Way>('in');
  const [refused, setRefused] = useState<Reason>();
  const [isShown, setShown] = useState(false);
  const { register, handleSubmit, formState } = useForm<Credentials>();
  const { errors, isSubmitting } = formState;
  const { title, failed, password } = ways[way];
  const submit = handleSubmit(async (credentials) => {
    setRefused(undefined);
    try {
      await (way === 'in' ? session.signIn(credentials) : session.signUp(credentials));
    } catch (error) {
      setRefused(reasonOf(error));
    }
  });
  const choose = (next: Way): void => {
    setWay(next);
    setRefused(undefined);
  };
  return (
    <section aria-label="Your account" className="panel shrink-0">
      <div className="border-b border-line px-2">
        <Tabs
          name="account"
          label="Your account"
          tabs={[
            { id: 'in', title: ways.in.title },
            { id: 'up', title: ways.up.title },
          ]}
          chosen={way}
          onChoose={choose}
        />
      </div>
      <form
        id="account-panel"
        role="tabpanel"
        aria-labelledby={`account-tab-${way}`}
        onSubmit={(event) => void submit(event)}
        noValidate
        className="flex flex-col gap-3 p-4"
      >
        <p className="text-sm text-soft">{why ?? 'Trade on paper: real prices, made-up money.'}</p>
        <Field
          label="Email"
          type="email"
          autoComplete="username"
          error={errors.email?.message}
          {...register('email', { required: 'Enter your email address.' })}
        />
        <Field
          label="Password"
          type={isShown ? 'text' : 'password'}
          autoComplete={password}
          hint={way === 'up' ? `At least ${passwordLengthMin} characters; a sentence is best.` : undefined}
          error={errors.password?.message}
          aside={
            <button
              type="button"
              aria-pressed={isShown}
              onClick={() => setShown(!isShown)}
              className="text-accent hover:underline"
            >
              {isShown ? 'Hide' : 'Show'}
            </button>
          }
          {...register('password', {
            required: 'Enter your password.',
            validate: (text) =>
              way === 'in' ||
              [...text].length >= passwordLengthMin ||
              `Use at least ${passwordLengthMin} characters.`,
          })}
        />
        {refused !== undefined && <Refusal title={failed} reason={refused} />}
        <button type="submit" disabled={isSubmitting} className="button-main">
          {isSubmitting ? 'One moment…' : title}
        </button>
      </form>
    </section>
  );
}
