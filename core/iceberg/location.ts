/**
 * The path of a location on a local disk: `file:///x` (PyIceberg), `file:/x` (Spark) and plain paths are the same file.
 * Escapes such as `%2F` are part of the file's name and stay. Undefined for any other scheme.
 */
export function localPath(location: string): string | undefined {
  const file = /^file:(?:\/\/(?:localhost)?(?=\/))?(\/.*)$/.exec(location);
  if (file !== null) return file[1];
  return /^[a-z][a-z0-9+.-]*:/i.test(location) ? undefined : location;
}
