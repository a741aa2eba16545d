/** SQL: a `timestamptz` in microseconds since 1970, exactly. */
export function microseconds(column: string): string {
  return `(extract(epoch from ${column}) * 1000000)::bigint`;
}

/** SQL: the `timestamptz` of so many microseconds since 1970, exactly. */
export function atMicroseconds(parameter: string): string {
  return `timestamptz 'epoch' + ${parameter}::bigint * interval '1 microsecond'`;
}
