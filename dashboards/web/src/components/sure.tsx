import { useEffect, useState } from 'react';

const waitMs = 4_000;

/** A button for what cannot be undone: it asks once, and forgets the question after a moment. */
export function Sure({ name, sure, onSure }: { name: string; sure: string; onSure: () => void }) {
  const [isAsking, setAsking] = useState(false);
  useEffect(() => {
    if (!isAsking) return;
    const timer = setTimeout(() => setAsking(false), waitMs);
    return () => clearTimeout(timer);
  }, [isAsking]);
  return (
    <button
      type="button"
      onClick={() => {
        setAsking(!isAsking);
        if (isAsking) onSure();
      }}
      className={`rounded-md px-2 py-1 font-medium hover:bg-raised ${isAsking ? 'text-down' : 'text-accent'}`}
    >
      {isAsking ? sure : name}
    </button>
  );
}
