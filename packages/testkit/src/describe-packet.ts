import { type Packet, PacketType, type PacketTypeName } from '@mqtt-kit/packet';

const names = new Map<number, PacketTypeName>(
  Object.entries(PacketType).map(([name, type]) => [type, name as PacketTypeName]),
);

/** The specification's name of a packet's type: `publish`. */
export function packetTypeName(packet: Packet): PacketTypeName {
  return names.get(packet.type) as PacketTypeName;
}

/** A packet in one line for messages about failures; long payloads are cut short. */
export function describePacket(packet: Packet): string {
  const { type: _type, ...fields } = packet;
  const shown = Object.entries(fields)
    .filter(([, value]) => !isEmpty(value))
    .map(([name, value]) => `${name}=${describeValue(value)}`);
  return [packetTypeName(packet).toUpperCase(), ...shown].join(' ');
}

/** Bytes as two-digit hexadecimal numbers, the end left out past `most` bytes. */
export function describeBytes(bytes: Uint8Array, most = 64): string {
  const shown = Array.from(bytes.subarray(0, most), (byte) => byte.toString(16).padStart(2, '0'));
  const rest = bytes.length > most ? ` ... (${bytes.length} bytes)` : '';
  return shown.join(' ') + rest;
}

function isEmpty(value: unknown): boolean {
  if (value === undefined) return true;
  return (
    typeof value === 'object' &&
    value !== null &&
    !(value instanceof Uint8Array) &&
    Object.keys(value).length === 0
  );
}

function describeValue(value: unknown): string {
  return JSON.stringify(value, function (this: Record<string, unknown>, name, inner) {
    // A Buffer has turned itself into a list of numbers before it comes here; its holder still has the bytes.
    const own = this[name];
    return own instanceof Uint8Array ? describePayload(own) : inner;
  });
}

function describePayload(bytes: Uint8Array): string {
  const text = new TextDecoder().decode(bytes.subarray(0, 64));
  const printable = /^[\x20-\x7e]*$/.test(text);
  if (!printable) return `hex ${describeBytes(bytes, 32)}`;
  return bytes.length > 64 ? `${text}... (${bytes.length} bytes)` : text;
}
