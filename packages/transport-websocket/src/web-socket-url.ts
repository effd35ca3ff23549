import type { TransportTarget } from '@mqtt-kit/core';

/** The URL to open. The zone of an IPv6 address means something to this machine alone, and no URL can hold it. */
export function webSocketUrl(target: TransportTarget): string {
  const host = target.hostname.includes(':')
    ? `[${target.hostname.replace(/%.*$/, '')}]`
    : target.hostname;
  return `${target.scheme}://${host}:${target.port}${target.path || '/'}`;
}

/** The URL as it may be shown: a query often holds a token. */
export function shownUrl(target: TransportTarget): string {
  return webSocketUrl(target).replace(/\?.*$/s, '');
}

/** The subprotocols to offer. `mqtt` unless the options name others [MQTT-6.0.0-3]. */
export function subprotocols(target: TransportTarget): readonly string[] {
  return target.webSocket?.protocols ?? ['mqtt'];
}
