/** PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK from the server. */
import { bytes, packet, properties, string, u16, type Version } from '../support/bytes.ts';
import { allowedReasonCodes, hexByte, triedReasonCodes } from './catalogue.ts';
import {
  breach,
  type Expected,
  malformed,
  malformedOrProtocolError,
  type Outcome,
  open,
  type Pending,
  protocolError,
  pubcomp,
  pubrel,
  type Reply,
  type Row,
} from './row.ts';

const resolves: Outcome = { resolves: true };

interface Kind {
  readonly name: string;
  readonly firstByte: number;
  readonly pending: Pending;
  readonly codes: readonly number[];
  /** What the client answers to a code. */
  reply(code: number): readonly [type: number, reasonCode: number] | undefined;
  outcome(code: number): Outcome | undefined;
}

const kinds: readonly Kind[] = [
  {
    name: 'PUBACK',
    firstByte: 0x40,
    pending: 'publish1',
    codes: allowedReasonCodes.puback,
    reply: () => undefined,
    outcome: publishOutcome,
  },
  {
    // [MQTT-4.3.3-4]: below 0x80 PUBREL follows, otherwise the exchange is over.
    name: 'PUBREC',
    firstByte: 0x50,
    pending: 'publish2',
    codes: allowedReasonCodes.puback,
    reply: (code) => (code < 0x80 ? [pubrel, 0] : undefined),
    outcome: (code) => (code < 0x80 ? undefined : publishOutcome(code)),
  },
  {
    name: 'PUBCOMP',
    firstByte: 0x70,
    pending: 'released',
    codes: allowedReasonCodes.pubrel,
    reply: () => undefined,
    // 0x92: the server does not know the identifier any more. What that is to the caller is open, but it settles.
    outcome: (code) => (code === 0 ? resolves : undefined),
  },
];

function publishOutcome(code: number): Outcome {
  return code < 0x80 ? resolves : { rejects: ['publishRefused'], reasonCode: code };
}

export function publishAcknowledgementTable(version: Version): Row[] {
  const five = version === '5.0';
  const rows: Row[] = [];
  for (const kind of kinds) {
    const add = (
      name: string,
      body: (id: number) => Uint8Array,
      expected: Expected | number,
    ): void => {
      rows.push({
        name: `${kind.name}: ${name}`,
        pending: kind.pending,
        send: ({ id }) => packet(kind.firstByte, body(id)),
        expected: typeof expected === 'number' ? taken(kind, expected) : expected,
      });
    };
    add('the short form', (id) => u16(id), 0);
    add('Remaining Length 0', () => bytes(), breach(malformed));
    add('Remaining Length 1', () => bytes(0), breach(malformed));
    add('Packet Identifier 0', () => bytes('00 00'), breach(protocolError));
    if (!five) {
      add('Remaining Length 3', (id) => bytes(u16(id), 0), breach(malformed));
      add('Remaining Length 4', (id) => bytes(u16(id), '00 00'), breach(malformed));
      continue;
    }
    for (const code of triedReasonCodes) {
      const expected = kind.codes.includes(code) ? code : breach(...malformedOrProtocolError);
      add(`reason code 0x${hexByte(code)}`, (id) => bytes(u16(id), code), expected);
    }
    add('no properties, said so', (id) => bytes(u16(id), '00 00'), 0);
    add('a Reason String', (id) => bytes(u16(id), 0, properties(0x1f, string('why'))), 0);
    add('an empty Reason String', (id) => bytes(u16(id), 0, properties('1f 00 00')), 0);
    add(
      'a Reason String of 65,535 bytes',
      (id) => bytes(u16(id), 0, properties(0x1f, string('x'.repeat(65_535)))),
      0,
    );
    add(
      'User Properties around a Reason String',
      (id) =>
        bytes(
          u16(id),
          0,
          properties(
            0x26,
            string('a'),
            string('1'),
            0x1f,
            string('why'),
            0x26,
            string('a'),
            string(''),
          ),
        ),
      0,
    );
    add('a byte behind the properties', (id) => bytes(u16(id), '00 00 00'), breach(malformed));
    add('a Property Length past the end', (id) => bytes(u16(id), '00 05'), breach(malformed));
    add(
      'a Property Length in five bytes',
      (id) => bytes(u16(id), '00 80 80 80 80 00'),
      breach(malformed),
    );
    add(
      'a Property Length not in its shortest form',
      (id) => bytes(u16(id), '00 80 00'),
      breach(malformed),
    );
  }
  return [...rows, ...releaseRows(version), ...mismatchRows()];
}

function taken(kind: Kind, code: number): Expected {
  const reply = kind.reply(code);
  const replies: Reply[] = reply === undefined ? [] : [[reply[0], -1, reply[1]]];
  return open([], replies, kind.outcome(code));
}

function releaseRows(version: Version): Row[] {
  const five = version === '5.0';
  const unknown: Expected = open([], [[pubcomp, 0x1234, five ? 0x92 : 0]]);
  const row = (name: string, send: Uint8Array, expected: Expected): Row => ({
    name: `PUBREL: ${name}`,
    send,
    expected,
  });
  const rows = [
    row('of an unknown identifier', packet(0x62, '12 34'), unknown),
    row('Remaining Length 0', packet(0x62), breach(malformed)),
    row('Remaining Length 1', packet(0x62, '12'), breach(malformed)),
    row('Packet Identifier 0', packet(0x62, '00 00'), breach(protocolError)),
  ];
  if (!five)
    return [...rows, row('Remaining Length 3', packet(0x62, '12 34 00'), breach(malformed))];
  for (const code of triedReasonCodes) {
    const allowed = code === 0 || code === 0x92;
    rows.push(
      row(
        `reason code 0x${hexByte(code)}`,
        packet(0x62, '12 34', code),
        allowed ? unknown : breach(...malformedOrProtocolError),
      ),
    );
  }
  rows.push(
    row('no properties, said so', packet(0x62, '12 34 00 00'), unknown),
    row(
      'all its properties',
      packet(0x62, '12 34 00', properties(0x1f, string('r'), 0x26, string('k'), string('v'))),
      unknown,
    ),
    row('a byte behind the properties', packet(0x62, '12 34 00 00 00'), breach(malformed)),
  );
  return rows;
}

/** Acknowledgements of another kind than the identifier awaits: nothing may be taken as done. */
function mismatchRows(): Row[] {
  const rows: Row[] = [];
  const wrong: readonly (readonly [Pending, readonly (readonly [string, number])[]])[] = [
    [
      'publish1',
      [
        ['PUBCOMP', 0x70],
        ['SUBACK', 0x90],
        ['UNSUBACK', 0xb0],
      ],
    ],
    [
      'publish2',
      [
        ['PUBACK', 0x40],
        ['PUBCOMP', 0x70],
        ['SUBACK', 0x90],
      ],
    ],
    ['released', [['PUBACK', 0x40]]],
    [
      'subscribe',
      [
        ['PUBACK', 0x40],
        ['PUBCOMP', 0x70],
        ['UNSUBACK', 0xb0],
      ],
    ],
    [
      'unsubscribe',
      [
        ['PUBACK', 0x40],
        ['SUBACK', 0x90],
      ],
    ],
  ];
  for (const [pending, packets] of wrong) {
    for (const [name, firstByte] of packets) {
      rows.push({
        name: `${name} for the identifier of a pending ${pending}`,
        pending,
        send: ({ id }) => packet(firstByte, u16(id), firstByte < 0x90 ? [] : wrongBody),
        expected: { kind: 'either', reasons: malformedOrProtocolError },
      });
    }
  }
  return rows;
}

const wrongBody = '00 00';

export function requestAcknowledgementTable(version: Version): Row[] {
  const five = version === '5.0';
  const none = five ? '00' : '';
  const rows: Row[] = [];
  const suback = (name: string, body: (id: number) => Uint8Array, expected: Expected): void => {
    rows.push({
      name: `SUBACK: ${name}`,
      pending: 'subscribe',
      send: ({ id }) => packet(0x90, body(id)),
      expected,
    });
  };
  const unsuback = (name: string, body: (id: number) => Uint8Array, expected: Expected): void => {
    rows.push({
      name: `UNSUBACK: ${name}`,
      pending: 'unsubscribe',
      send: ({ id }) => packet(0xb0, body(id)),
      expected,
    });
  };
  for (const code of triedReasonCodes) {
    const allowed = five
      ? allowedReasonCodes.suback.some((other) => other === code)
      : [0, 1, 2, 0x80].includes(code);
    suback(
      `reason code 0x${hexByte(code)}`,
      (id) => bytes(u16(id), none, code),
      allowed
        ? open([], [], code < 0x80 ? resolves : { rejects: ['subscribeRefused'], reasonCode: code })
        : breach(...malformedOrProtocolError),
    );
  }
  suback('no reason code', (id) => bytes(u16(id), none), breach(...malformedOrProtocolError));
  suback(
    'two reason codes for one filter',
    (id) => bytes(u16(id), none, '00 00'),
    breach(protocolError),
  );
  suback('Packet Identifier 0', () => bytes('00 00', none, '00'), breach(protocolError));
  suback('Remaining Length 0', () => bytes(), breach(malformed));
  suback('Remaining Length 1', () => bytes(0), breach(malformed));
  unsuback(
    'Packet Identifier 0',
    () => bytes('00 00', none, five ? '00' : ''),
    breach(protocolError),
  );
  unsuback('Remaining Length 0', () => bytes(), breach(malformed));
  unsuback('Remaining Length 1', () => bytes(0), breach(malformed));
  if (!five) {
    unsuback('the only form', (id) => u16(id), open([], [], resolves));
    unsuback('Remaining Length 3', (id) => bytes(u16(id), 0), breach(malformed));
    unsuback('Remaining Length 4', (id) => bytes(u16(id), '00 00'), breach(malformed));
    return rows;
  }
  for (const code of triedReasonCodes) {
    const allowed = allowedReasonCodes.unsuback.some((other) => other === code);
    rows.push({
      name: `UNSUBACK: reason code 0x${hexByte(code)}`,
      pending: 'unsubscribe',
      send: ({ id }) => packet(0xb0, u16(id), '00', code),
      expected: allowed
        ? code < 0x80
          ? open([], [], resolves)
          : open()
        : breach(...malformedOrProtocolError),
    });
  }
  unsuback('no reason code', (id) => bytes(u16(id), '00'), breach(...malformedOrProtocolError));
  unsuback(
    'two reason codes for one filter',
    (id) => bytes(u16(id), '00 00 00'),
    breach(protocolError),
  );
  for (const add of [suback, unsuback]) {
    add('no Property Length', (id) => u16(id), breach(malformed));
    add('a Property Length past the end', (id) => bytes(u16(id), '05 00'), breach(malformed));
    add(
      'a Property Length not in its shortest form',
      (id) => bytes(u16(id), '80 00 00'),
      breach(malformed),
    );
    add(
      'all its properties',
      (id) =>
        bytes(
          u16(id),
          properties(
            0x26,
            string('k'),
            string('1'),
            0x1f,
            string('why'),
            0x26,
            string('k'),
            string('2'),
          ),
          0,
        ),
      open([], [], resolves),
    );
  }
  return rows;
}
