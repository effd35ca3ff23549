/** DISCONNECT and AUTH from a 5.0 server. */
import { packet, properties, string } from '../support/bytes.ts';
import { allowedReasonCodes, hexByte, triedReasonCodes } from './catalogue.ts';
import {
  breach,
  type Expected,
  malformed,
  malformedOrProtocolError,
  protocolError,
  type Row,
} from './row.ts';

const farewell = (reasonCode: number): Expected => ({ kind: 'disconnected', reasonCode });

export function disconnectTable(): Row[] {
  const rows: Row[] = [];
  const add = (name: string, body: Parameters<typeof packet>[1], expected: Expected): void => {
    rows.push({ name: `DISCONNECT: ${name}`, send: packet(0xe0, body), expected });
  };
  for (const code of triedReasonCodes) {
    const allowed = allowedReasonCodes.disconnect.some((other) => other === code);
    // 0x8C stands in one table of the specification and not in the other.
    if (code === 0x8c) continue;
    add(
      `reason code 0x${hexByte(code)}`,
      [code],
      allowed ? farewell(code) : breach(...malformedOrProtocolError),
    );
  }
  add('the short form', [], farewell(0));
  add('no properties, said so', ['80 00'], farewell(0x80));
  add('a Reason String', [0x80, properties(0x1f, string('why'))], farewell(0x80));
  add(
    'all its properties',
    [0x98, properties(0x26, string('k'), string('v'), 0x1c, string('other'), 0x1f, string('why'))],
    farewell(0x98),
  );
  add('a byte behind the properties', ['80 00 00'], breach(malformed));
  add('a Property Length past the end', ['80 03'], breach(malformed));
  add('a Property Length not in its shortest form', ['80 80 00'], breach(malformed));
  return rows;
}

const authentication = { method: 'm', respond: (): Uint8Array => Uint8Array.of(7) };

export function authTable(): Row[] {
  const rows: Row[] = [];
  const unasked = (
    name: string,
    body: Parameters<typeof packet>[1],
    ...reasons: number[]
  ): void => {
    rows.push({
      name: `AUTH without a method: ${name}`,
      send: packet(0xf0, body),
      expected: breach(...reasons),
    });
  };
  // [MQTT-4.12.0-6]
  unasked('a challenge', [0x18, properties(0x15, string('m'))], protocolError);
  unasked('a success', [0x00, properties(0x15, string('m'))], protocolError);
  unasked('the short form', [], protocolError);
  unasked('a challenge without a method', ['18 00'], protocolError);
  unasked('a reason code alone', [0x18], malformed, protocolError);
  const asked = (name: string, body: Parameters<typeof packet>[1], ...reasons: number[]): void => {
    rows.push({
      name: `AUTH with a method: ${name}`,
      options: { authentication },
      connack: [0x15, string('m')],
      send: packet(0xf0, body),
      expected: breach(...reasons),
    });
  };
  // Only the client may start a re-authentication.
  asked('a challenge nobody asked for', [0x18, properties(0x15, string('m'))], protocolError);
  asked('a success nobody asked for', [0x00, properties(0x15, string('m'))], protocolError);
  asked('another method', [0x18, properties(0x15, string('other'))], protocolError);
  asked('no method', ['18 00'], protocolError);
  asked('the short form', [], protocolError);
  asked('a reason code alone', [0x18], malformed, protocolError);
  asked('a byte behind the properties', [0x18, properties(0x15, string('m')), 0], malformed);
  for (const code of triedReasonCodes) {
    if (code === 0x00 || code === 0x18) continue;
    asked(
      `reason code 0x${hexByte(code)}`,
      [code, properties(0x15, string('m'))],
      ...malformedOrProtocolError,
    );
  }
  return rows;
}
