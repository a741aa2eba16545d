import type { ConnectionState } from '#api/client/index.ts';

/** Says so while what is shown may be out of date. */
export function ConnectionNote({
  connection,
  error,
}: {
  connection: ConnectionState;
  error: string | undefined;
}) {
  const text =
    connection === 'waiting'
      ? 'The connection is lost. What you see may be out of date, and orders cannot be sent; what is missed meanwhile comes when it is back.'
      : error;
  if (text === undefined) return null;
  return (
    <p role="status" className="border-b border-warn/40 bg-warn/10 px-4 py-2 text-xs text-warn">
      {text}
    </p>
  );
}
