import { MqttBreachError, MqttError, type TransportTarget } from '@mqtt-kit/core';
import { shownUrl, subprotocols } from './web-socket-url.ts';

/** No WebSocket came about: `webSocketFailed`. */
export function openError(
  target: TransportTarget,
  reason: string,
  hint?: string,
  cause?: unknown,
): MqttError {
  return new MqttError('webSocketFailed', `cannot open ${shownUrl(target)}: ${reason}`, {
    hint,
    cause,
  });
}

/** The server selected none of our subprotocols, or one that we did not offer [MQTT-6.0.0-4]. */
export function subprotocolError(
  target: TransportTarget,
  selected: string | undefined,
  cause?: unknown,
): MqttError {
  const offered = subprotocols(target).join('", "');
  return openError(
    target,
    `the server selected ${selected ? `the subprotocol ${JSON.stringify(selected)}` : 'no subprotocol'}, not "${offered}"`,
    'It may be a WebSocket of something else. Check port and path: /mqtt is usual.',
    cause,
  );
}

/** The server closed an open WebSocket: `connectionLost` with its code and reason. */
export function closedError(target: TransportTarget, code: number, reason: string): MqttError {
  const how =
    code === 1006
      ? 'without a closing handshake'
      : `with code ${code}${reason && ` (${JSON.stringify(reason)})`}`;
  return new MqttError('connectionLost', `${shownUrl(target)} was closed ${how}`);
}

/** MQTT travels in binary frames; whoever receives another kind closes [MQTT-6.0.0-1]. */
export function textFrameError(target: TransportTarget): MqttError {
  return new MqttBreachError('protocolError', `${shownUrl(target)} sent text, not binary`);
}
