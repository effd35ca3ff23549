import type { TransportTarget } from '@mqtt-kit/core';

/** What people call a target: `localhost:1883`, `[::1]:1883`, or the file of a Unix socket. */
export function targetName(target: TransportTarget): string {
  if (target.scheme === 'mqtt+unix') return target.path;
  const host = target.hostname.includes(':') ? `[${target.hostname}]` : target.hostname;
  return `${host}:${target.port}`;
}

/** Whether bytes travel inside TLS. */
export function isSecure(target: TransportTarget): boolean {
  return target.scheme === 'mqtts' || target.scheme === 'wss';
}

/** The same scheme with TLS or without: what to try when the server speaks the other one. */
export function otherScheme(target: TransportTarget): string {
  const web = target.scheme === 'ws' || target.scheme === 'wss';
  if (isSecure(target)) return web ? 'ws://' : 'mqtt://';
  return web ? 'wss://' : 'mqtts://';
}
