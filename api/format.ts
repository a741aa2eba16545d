/** Microseconds since 1970 UTC as RFC 3339 with microseconds. */
export function timeFromUs(timestampUs: number): string {
  const milliseconds = Math.floor(timestampUs / 1000);
  const rest = String(timestampUs - milliseconds * 1000).padStart(3, '0');
  return `${new Date(milliseconds).toISOString().slice(0, -1)}${rest}Z`;
}

/** Decimal text without the zeros that only the column's scale put there. */
export function plainDecimal(text: string): string {
  return text.includes('.') ? text.replace(/\.?0+$/, '') : text;
}
