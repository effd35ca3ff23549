import type { SimulatedMessage } from './simulated-device.ts';

/**
 * A message as one line of JSON, without the line feed: `time`, `device`, `topic`, `payload`, `qos`, `retain`, and `kind`
 * unless it is a reading. A payload that is not UTF-8 text stands as `payloadBase64`.
 */
export function messageLine(message: SimulatedMessage): string {
  const { kind, device, timeMs, topic, payload, qos, retain } = message;
  return JSON.stringify({
    time: new Date(timeMs).toISOString(),
    device,
    topic,
    ...payloadMember(payload),
    qos,
    retain,
    ...(kind === 'reading' ? {} : { kind }),
  });
}

function payloadMember(payload: SimulatedMessage['payload']): object {
  if (typeof payload === 'string') return { payload };
  const bytes =
    payload instanceof Uint8Array
      ? payload
      : ArrayBuffer.isView(payload)
        ? new Uint8Array(payload.buffer, payload.byteOffset, payload.byteLength)
        : payload instanceof ArrayBuffer
          ? new Uint8Array(payload)
          : undefined;
  if (bytes === undefined) return { payload: JSON.stringify(payload) };
  try {
    return { payload: new TextDecoder('utf-8', { fatal: true }).decode(bytes) };
  } catch {
    let binary = '';
    for (const byte of bytes) binary += String.fromCharCode(byte);
    return { payloadBase64: btoa(binary) };
  }
}
