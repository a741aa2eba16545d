/** OpenSSL's and Node's words for a certificate that is not to be trusted. */
const codes =
  /^(ERR_TLS_CERT_ALTNAME_INVALID|ERR_SSL_\w+|EPROTO|SELF_SIGNED_CERT_IN_CHAIN|DEPTH_ZERO_SELF_SIGNED_CERT|UNABLE_TO_\w+|CERT_\w+|HOSTNAME_MISMATCH|INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED)$/;

/** Whether a connection failed as TLS could not be agreed on, or the other end did not prove who it is. */
export function isUntrusted(error: unknown): boolean {
  for (let at: unknown = error, depth = 0; at instanceof Error && depth < 5; at = at.cause, depth += 1) {
    if ('code' in at && typeof at.code === 'string' && codes.test(at.code)) return true;
  }
  return false;
}
