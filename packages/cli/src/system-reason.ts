/** What the C library calls the errors of the system. */
const systemReasons: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRNOTAVAIL: 'Cannot assign requested address',
  ECONNREFUSED: 'Connection refused',
  ECONNRESET: 'Connection reset by peer',
  EHOSTUNREACH: 'No route to host',
  EINVAL: 'Invalid argument',
  ENETUNREACH: 'Network is unreachable',
  EISDIR: 'Is a directory',
  ENOENT: 'No such file or directory',
  ENOTSOCK: 'Socket operation on non-socket',
  ETIMEDOUT: 'Connection timed out',
};

export function systemReason(code: string | undefined): string {
  return systemReasons[code ?? 'ETIMEDOUT'] ?? 'Connection timed out';
}
