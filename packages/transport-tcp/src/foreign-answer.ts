import { MqttBreachError, MqttError, type TransportTarget } from '@mqtt-kit/core';
import { isSecure, otherScheme, targetName } from './target-name.ts';

/**
 * Recognises, by the first bytes received, two servers that people connect to by mistake: one that expects TLS, and a
 * web server. Neither beginning can be the one of an MQTT server.
 */
export function foreignAnswer(target: TransportTarget, first: Uint8Array): MqttError | undefined {
  if (!isSecure(target) && isTlsAlert(first)) {
    return new MqttError('tlsFailed', `${targetName(target)} expects TLS`, {
      hint: `Try ${otherScheme(target)}.`,
    });
  }
  if (beginsWith(first, 'HTTP/')) {
    const webScheme = isSecure(target) ? 'wss://' : 'ws://';
    return new MqttBreachError('protocolError', `${targetName(target)} answers HTTP, not MQTT`, {
      hint: `It is a web server. If MQTT goes over WebSocket there, try ${webScheme}.`,
    });
  }
  return undefined;
}

/** A TLS record (RFC 8446, 5.1) of type alert, version 3.0 to 3.4. */
export function isTlsAlert(bytes: Uint8Array): boolean {
  return bytes.length >= 5 && bytes[0] === 0x15 && bytes[1] === 0x03 && bytes[2]! <= 4;
}

function beginsWith(bytes: Uint8Array, text: string): boolean {
  if (bytes.length < text.length) return false;
  for (let i = 0; i < text.length; i++) if (bytes[i] !== text.charCodeAt(i)) return false;
  return true;
}
