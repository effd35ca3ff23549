/**
 * Bytes that are no packet, or a packet that its receiver may not be sent. Each row ends with the byte at which
 * it has to be refused: not later, whatever size it announces, and not earlier.
 */
import { describe, expect, it } from 'vitest';
import { chunksOf, cutAt, decodeChunks, decoderFrom } from './decoding.test-support.ts';
import { MalformedPacketError } from './errors.ts';
import type { PacketSender } from './packet-type.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import { bytesOfHex } from './raw-packets.test-support.ts';

interface MalformedRow {
  readonly name: string;
  readonly from: PacketSender;
  readonly versions: readonly ProtocolVersion[];
  readonly hex: string;
  readonly reasonCode: number;
  readonly message: RegExp;
}

const all: readonly ProtocolVersion[] = ['3.1.1', '5.0'];
const v4: readonly ProtocolVersion[] = ['3.1.1'];
const v5: readonly ProtocolVersion[] = ['5.0'];

function row(
  name: string,
  from: PacketSender,
  versions: readonly ProtocolVersion[],
  hex: string,
  reasonCode: number,
  message: RegExp,
): MalformedRow {
  return { name, from, versions, hex, reasonCode, message };
}

const firstByteRows = [
  row('packet type 0', 'server', all, '00', 0x81, /type is 0.*expected 1 to 15/),
  row('packet type 0 with flags', 'client', all, '0f', 0x81, /type is 0/),
  row('packet type 15 in 3.1.1', 'server', v4, 'f0', 0x81, /AUTH: packet type is 15.*3\.1\.1/),
  row('packet type 15 in 3.1.1', 'client', v4, 'f0', 0x81, /AUTH: packet type is 15/),
  row('CONNECT to a client', 'server', all, '10', 0x82, /CONNECT: a server may not send it/),
  row('SUBSCRIBE to a client', 'server', all, '82', 0x82, /SUBSCRIBE: a server may not send it/),
  row(
    'UNSUBSCRIBE to a client',
    'server',
    all,
    'a2',
    0x82,
    /UNSUBSCRIBE: a server may not send it/,
  ),
  row('PINGREQ to a client', 'server', all, 'c0', 0x82, /PINGREQ: a server may not send it/),
  row(
    'DISCONNECT to a client of 3.1.1',
    'server',
    v4,
    'e0',
    0x82,
    /DISCONNECT: a server may not send it/,
  ),
  row('CONNACK to a server', 'client', all, '20', 0x82, /CONNACK: a client may not send it/),
  row('SUBACK to a server', 'client', all, '90', 0x82, /SUBACK: a client may not send it/),
  row('UNSUBACK to a server', 'client', all, 'b0', 0x82, /UNSUBACK: a client may not send it/),
  row('PINGRESP to a server', 'client', all, 'd0', 0x82, /PINGRESP: a client may not send it/),
  row('[MQTT-3.3.1-4] QoS 3', 'server', all, '36', 0x81, /PUBLISH: QoS is 3, expected 0, 1 or 2/),
  row('[MQTT-3.3.1-4] QoS 3, sent again', 'client', all, '3f', 0x81, /PUBLISH: QoS is 3/),
  row('[MQTT-3.3.1-2] DUP with QoS 0', 'server', all, '38', 0x81, /PUBLISH: DUP is 1 with QoS 0/),
  row('[MQTT-3.3.1-2] DUP with QoS 0, retained', 'client', all, '39', 0x81, /DUP is 1/),
  row('[MQTT-3.6.1-1] PUBREL without flags', 'server', all, '60', 0x81, /0000, expected 0010/),
  row('[MQTT-3.8.1-1] SUBSCRIBE without flags', 'client', all, '80', 0x81, /0000, expected 0010/),
  row('[MQTT-3.10.1-1] UNSUBSCRIBE with flags 3', 'client', all, 'a3', 0x81, /0011, expected 0010/),
  row('[MQTT-3.14.1-1] DISCONNECT with flags', 'server', v5, 'e1', 0x81, /0001, expected 0000/),
  row('[MQTT-3.15.1-1] AUTH with flags', 'server', v5, 'f8', 0x81, /1000, expected 0000/),
  row('[MQTT-2.1.3-1] CONNECT with flags', 'client', all, '11', 0x81, /CONNECT: flags are 0001/),
  row('[MQTT-2.1.3-1] CONNACK with flags', 'server', all, '22', 0x81, /CONNACK: flags are 0010/),
  row('[MQTT-2.1.3-1] PUBACK with flags', 'server', all, '41', 0x81, /PUBACK: flags are 0001/),
  row('[MQTT-2.1.3-1] PUBREC with flags', 'server', all, '52', 0x81, /PUBREC: flags are 0010/),
  row('[MQTT-2.1.3-1] PUBCOMP with flags', 'server', all, '78', 0x81, /PUBCOMP: flags are 1000/),
  row('[MQTT-2.1.3-1] SUBACK with flags', 'server', all, '92', 0x81, /SUBACK: flags are 0010/),
  row('[MQTT-2.1.3-1] UNSUBACK with flags', 'server', all, 'b2', 0x81, /UNSUBACK: flags are 0010/),
  row('[MQTT-2.1.3-1] PINGREQ with flags', 'client', all, 'c1', 0x81, /PINGREQ: flags are 0001/),
  row('[MQTT-2.1.3-1] PINGRESP with flags', 'server', all, 'd4', 0x81, /PINGRESP: flags are 0100/),
  row('an answer in HTTP', 'server', all, '48', 0x81, /PUBACK: flags are 1000, expected 0000/),
];

const remainingLengthRows = [
  row(
    'five bytes',
    'server',
    all,
    '30 ffffff80',
    0x81,
    /Remaining Length goes on after its fourth/,
  ),
  row('five bytes with zeros', 'server', all, '30 80808080', 0x81, /goes on after its fourth/),
  row(
    '[MQTT-1.5.5-1] two bytes for 0',
    'server',
    v5,
    '30 8000',
    0x81,
    /2 bytes.*shortest form of 1/,
  ),
  row(
    '[MQTT-1.5.5-1] four for 127',
    'server',
    v5,
    '30 ff808000',
    0x81,
    /4 bytes.*shortest form of 1/,
  ),
  row(
    '[MQTT-1.5.5-1] three for 16,383',
    'client',
    v5,
    '30 ffff00',
    0x81,
    /3 bytes.*shortest form of 2/,
  ),
  row(
    'PINGRESP with a body',
    'server',
    all,
    'd0 01',
    0x81,
    /PINGRESP: Remaining Length is 1, expected 0/,
  ),
  row(
    'PINGREQ with a body',
    'client',
    all,
    'c0 ffffff7f',
    0x81,
    /PINGREQ: .*268435455, expected 0/,
  ),
  row('CONNACK with properties', 'server', v4, '20 03', 0x81, /CONNACK: .* 3, expected 2/),
  row('PUBACK with a reason code', 'server', v4, '40 03', 0x81, /PUBACK: .* 3, expected 2/),
  row('PUBREC with a reason code', 'client', v4, '50 04', 0x81, /PUBREC: .* 4, expected 2/),
  row('PUBREL without identifier', 'server', v4, '62 00', 0x81, /PUBREL: .* 0, expected 2/),
  row('PUBCOMP with half an identifier', 'server', v4, '70 01', 0x81, /PUBCOMP: .* 1, expected 2/),
  row('UNSUBACK with codes', 'server', v4, 'b0 03', 0x81, /UNSUBACK: .* 3, expected 2/),
  row('DISCONNECT with a reason code', 'client', v4, 'e0 01', 0x81, /DISCONNECT: .* 1, expected 0/),
];

const name = '0004 4d515454';
const connectRows = [
  row('nothing at all', 'client', all, '10 00', 0x81, /CONNECT: bytes left for protocol name: 0/),
  row('[MQTT-3.1.2-1] another name', 'client', all, '10 06 0003 4d5154 05', 0x84, /"MQT" level 5/),
  row('MQTT 3.1', 'client', all, '10 09 0006 4d5149736470 03', 0x84, /"MQIsdp" level 3.*3\.1\.1/),
  row('[MQTT-3.1.2-2] level 3', 'client', all, `10 07 ${name} 03`, 0x84, /"MQTT" level 3 found/),
  row('[MQTT-3.1.2-2] level 6', 'client', all, `10 07 ${name} 06`, 0x84, /level 6 found, expected/),
  row('the level of a bridge', 'client', all, `10 07 ${name} 84`, 0x84, /level 132 found/),
  row('a name that ends too early', 'client', all, '10 04 0004 4d51', 0x81, /bytes left .*: 2/),
  row('no flags', 'client', all, `10 07 ${name} 04`, 0x81, /bytes left for connect flags: 0/),
  row(
    '[MQTT-3.1.2-3] reserved flag',
    'client',
    all,
    `10 0c ${name} 04 03 0000 0000`,
    0x81,
    /reserved/,
  ),
  row(
    '[MQTT-3.1.2-11] Will QoS alone',
    'client',
    all,
    `10 0c ${name} 04 0a 0000 0000`,
    0x81,
    /Will QoS/,
  ),
  row(
    '[MQTT-3.1.2-13] Will Retain alone',
    'client',
    all,
    `10 0d ${name} 05 22 0000 00 0000`,
    0x81,
    /Retain/,
  ),
  row(
    '[MQTT-3.1.2-12] Will QoS 3',
    'client',
    all,
    `10 0c ${name} 04 1e 0000 0000`,
    0x81,
    /QoS is 3/,
  ),
  row(
    '[MQTT3-3.1.2-22] password without user name in 3.1.1',
    'client',
    all,
    `10 0f ${name} 04 42 0000 0000 0001 01`,
    0x81,
    /password flag without user name/,
  ),
  row(
    '[MQTT3-3.1.3-7] no identifier without Clean Session in 3.1.1',
    'client',
    all,
    `10 0c ${name} 04 00 0000 0000`,
    0x85,
    /client identifier is empty/,
  ),
  row(
    'no identifier field',
    'client',
    all,
    `10 0a ${name} 04 02 0000`,
    0x81,
    /bytes left for client identifier: 0/,
  ),
  row('[MQTT-3.1.2-9] no will', 'client', all, `10 0c ${name} 04 06 0000 0000`, 0x81, /will topic/),
  row(
    'a will topic with a wildcard',
    'client',
    all,
    `10 11 ${name} 04 06 0000 0000 0001 23 0000`,
    0x90,
    /will topic must not contain wildcards, found "#"/,
  ),
  row(
    'an empty will topic',
    'client',
    all,
    `10 10 ${name} 04 06 0000 0000 0000 0000`,
    0x90,
    /will topic must not be empty/,
  ),
  row(
    '[MQTT-3.1.2-17] no user name',
    'client',
    all,
    `10 0c ${name} 04 82 0000 0000`,
    0x81,
    /user name/,
  ),
  row(
    '[MQTT-3.1.2-19] no password',
    'client',
    all,
    `10 0f ${name} 04 c2 0000 0000 0001 75`,
    0x81,
    /bytes left for password: 0/,
  ),
  row(
    'bytes after the end',
    'client',
    all,
    `10 0d ${name} 04 02 0000 0000 00`,
    0x81,
    /bytes left after the last field: 1/,
  ),
  row(
    'a user name without its flag',
    'client',
    all,
    `10 0f ${name} 04 02 0000 0000 0001 75`,
    0x81,
    /bytes left after the last field: 3/,
  ),
  row(
    '[MQTT-1.5.5-1] a Remaining Length that is not the shortest, for 5.0',
    'client',
    all,
    `10 8d00 ${name} 05 02 0000 00 0000`,
    0x81,
    /2 bytes.*shortest form of 1/,
  ),
];

const connackRows = [
  row(
    'nothing at all',
    'server',
    v5,
    '20 00',
    0x81,
    /CONNACK: bytes left for acknowledge flags: 0/,
  ),
  row('flags alone', 'server', v5, '20 01 00', 0x81, /bytes left for reason code: 0/),
  row(
    'success in the form of 3.1.1',
    'server',
    v5,
    '20 02 00 00',
    0x81,
    /Property Length is missing/,
  ),
  row('no Property Length', 'server', v5, '20 02 00 87', 0x81, /Property Length is missing/),
  row('[MQTT-3.2.2-1] reserved flags', 'server', v5, '20 03 02 00 00', 0x81, /flags are 0x02/),
  row('[MQTT-3.2.2-1] reserved flags', 'server', v4, '20 02 80 00', 0x81, /flags are 0x80/),
  row(
    '[MQTT-3.2.2-6] session with refusal',
    'server',
    v5,
    '20 03 01 87 00',
    0x82,
    /Session Present is 1/,
  ),
  row(
    '[MQTT3-3.2.2-4] session with refusal',
    'server',
    v4,
    '20 02 01 05',
    0x82,
    /Session Present is 1/,
  ),
  row(
    'session with refusal, as in 3.1.1',
    'server',
    v5,
    '20 02 01 01',
    0x82,
    /Session Present is 1/,
  ),
  row('return code 6', 'server', v4, '20 02 00 06', 0x82, /return code is 6, expected 0 to 5/),
  row('return code 255', 'server', v4, '20 02 00 ff', 0x82, /return code is 255/),
  row(
    '[MQTT-3.2.2-8] code 0x01',
    'server',
    v5,
    '20 03 00 01 00',
    0x82,
    /reason code is 0x01, expected/,
  ),
  row('[MQTT-3.2.2-8] code 0x8B', 'server', v5, '20 03 00 8b 00', 0x82, /reason code is 0x8B/),
  row(
    'bytes after the end',
    'server',
    v5,
    '20 04 00 00 00 00',
    0x81,
    /bytes left after the last field: 1/,
  ),
];

const publishRows = [
  row(
    'nothing at all',
    'server',
    all,
    '30 00',
    0x81,
    /PUBLISH: bytes left for topic name: 0, expected 2/,
  ),
  row(
    'half a topic length',
    'server',
    all,
    '30 01 00',
    0x81,
    /bytes left for topic name: 1, expected 2/,
  ),
  row(
    'a topic past the end',
    'server',
    all,
    '30 04 0003 6162',
    0x81,
    /bytes left for topic name: 2, expected 3/,
  ),
  row(
    '[MQTT-2.2.1-3] no identifier',
    'server',
    all,
    '32 03 0001 61',
    0x81,
    /packet identifier: [01], expected 2/,
  ),
  row(
    'half an identifier',
    'server',
    all,
    '34 04 0001 61 00',
    0x81,
    /bytes left for packet identifier: 1/,
  ),
  row(
    'identifier 0 at QoS 1',
    'server',
    all,
    '32 06 0001 61 0000 00',
    0x82,
    /packet identifier is 0/,
  ),
  row(
    'identifier 0 at QoS 2',
    'client',
    all,
    '34 06 0001 61 0000 00',
    0x82,
    /packet identifier is 0/,
  ),
  row(
    '[MQTT-3.3.2-2] "+" in the topic',
    'server',
    all,
    '30 06 0003 612f2b 00',
    0x90,
    /found "\+" at index 2/,
  ),
  row(
    '[MQTT-3.3.2-2] "#" in the topic',
    'client',
    all,
    '30 04 0001 23 00',
    0x90,
    /found "#" at index 0/,
  ),
  row('[MQTT-4.7.3-1] no topic', 'server', v4, '30 02 0000', 0x82, /topic name is empty/),
  row(
    'no topic and no alias',
    'server',
    v5,
    '30 03 0000 00',
    0x82,
    /topic name is empty without Topic Alias/,
  ),
  row(
    'no Property Length',
    'server',
    v5,
    '30 03 0001 61',
    0x81,
    /bytes left for property length: 0/,
  ),
  row(
    'properties past the end',
    'server',
    v5,
    '30 06 0001 61 03 01 00',
    0x81,
    /property length is 3.*2 bytes/,
  ),
  row(
    '[MQTT-1.5.4-1] an overlong form',
    'server',
    all,
    '30 05 0002 c080 00',
    0x81,
    /topic name is ill-formed UTF-8/,
  ),
  row(
    '[MQTT-1.5.4-1] a surrogate',
    'server',
    all,
    '30 06 0003 eda080 00',
    0x81,
    /ill-formed UTF-8/,
  ),
  row(
    '[MQTT-1.5.4-1] a low surrogate',
    'server',
    all,
    '30 06 0003 edbfbf 00',
    0x81,
    /ill-formed UTF-8/,
  ),
  row(
    '[MQTT-1.5.4-1] above U+10FFFF',
    'server',
    all,
    '30 07 0004 f4908080 00',
    0x81,
    /ill-formed UTF-8/,
  ),
  row(
    '[MQTT-1.5.4-1] a stray continuation',
    'server',
    all,
    '30 04 0001 80 00',
    0x81,
    /ill-formed UTF-8/,
  ),
  row(
    '[MQTT-1.5.4-1] a cut sequence',
    'server',
    all,
    '30 05 0002 e697 00',
    0x81,
    /ill-formed UTF-8/,
  ),
  row('[MQTT-1.5.4-1] 0xFF', 'server', all, '30 04 0001 ff 00', 0x81, /ill-formed UTF-8/),
  row(
    '[MQTT-1.5.4-1] ill-formed in a long topic',
    'server',
    all,
    `30 17 0014 ${'61'.repeat(19)} ff 00`,
    0x81,
    /ill-formed UTF-8/,
  ),
  row('[MQTT-1.5.4-2] U+0000', 'server', all, '30 06 0003 610062 00', 0x81, /U\+0000 at index 1/),
  row(
    '[MQTT-1.5.4-2] U+0000 in a long topic',
    'server',
    all,
    `30 17 0014 ${'61'.repeat(19)} 00 00`,
    0x81,
    /U\+0000 at index 19/,
  ),
];

const acknowledgeRows = (['40', '50', '62', '70'] as const).flatMap((first, index) => {
  const title = ['PUBACK', 'PUBREC', 'PUBREL', 'PUBCOMP'][index]!;
  const unlisted = index < 2 ? '92' : '10';
  return [
    row(
      `${title}: identifier 0`,
      'server',
      all,
      `${first} 02 0000`,
      0x82,
      /packet identifier is 0/,
    ),
    row(
      `${title}: nothing at all`,
      'server',
      v5,
      `${first} 00`,
      0x81,
      /packet identifier: [01], expected 2/,
    ),
    row(`${title}: half an identifier`, 'client', v5, `${first} 01 01`, 0x81, /packet identifier/),
    row(
      `${title}: an unlisted code`,
      'server',
      v5,
      `${first} 03 0001 ${unlisted}`,
      0x82,
      /reason code/,
    ),
    row(`${title}: code 0x01`, 'server', v5, `${first} 04 0001 01 00`, 0x82, /reason code is 0x01/),
    row(
      `${title}: bytes after the end`,
      'client',
      v5,
      `${first} 05 0001 00 00 00`,
      0x81,
      /bytes left after the last field: 1/,
    ),
    row(
      `${title}: properties past the end`,
      'server',
      v5,
      `${first} 04 0001 00 01`,
      0x81,
      /property length is 1/,
    ),
  ];
});

const subscribeRows = [
  row(
    'identifier 0',
    'client',
    v4,
    '82 06 0000 0001 61 00',
    0x82,
    /SUBSCRIBE: packet identifier is 0/,
  ),
  row('[MQTT-3.8.3-2] no filter', 'client', v5, '82 03 0001 00', 0x82, /no topic filter/),
  row('[MQTT3-3.8.3-3] no filter', 'client', v4, '82 02 0001', 0x82, /no topic filter/),
  row(
    'no options',
    'client',
    v4,
    '82 05 0001 0001 61',
    0x81,
    /bytes left for subscription options: 0/,
  ),
  row(
    'QoS 3',
    'client',
    v4,
    '82 06 0001 0001 61 03',
    0x81,
    /requested QoS is 3, expected 0, 1 or 2/,
  ),
  row('QoS 3', 'client', v5, '82 07 0001 00 0001 61 03', 0x81, /requested QoS is 3/),
  row('[MQTT3-3.8.3-4] an option of 5.0', 'client', v4, '82 06 0001 0001 61 04', 0x81, /0x04/),
  row('[MQTT-3.8.3-5] reserved bit 6', 'client', v5, '82 07 0001 00 0001 61 40', 0x81, /0x40/),
  row('[MQTT-3.8.3-5] reserved bit 7', 'client', v5, '82 07 0001 00 0001 61 80', 0x81, /0x80/),
  row('Retain Handling 3', 'client', v5, '82 07 0001 00 0001 61 30', 0x82, /Retain Handling is 3/),
  row(
    '[MQTT-3.8.3-4] No Local on a shared subscription',
    'client',
    v5,
    '82 10 0001 00 000a 2473686172652f672f61 04',
    0x82,
    /No Local is 1 on a shared subscription/,
  ),
  row(
    '[MQTT-4.7.3-1] an empty filter',
    'client',
    v5,
    '82 06 0001 00 0000 00',
    0x8f,
    /topic filter must not be empty/,
  ),
  row('[MQTT-4.7.1-1] "a#"', 'client', v4, '82 07 0001 0002 6123 00', 0x8f, /alone in its level/),
  row(
    '[MQTT-4.7.1-2] "a+"',
    'client',
    v5,
    '82 08 0001 00 0002 612b 00',
    0x8f,
    /alone in its level/,
  ),
  row(
    'U+0000 in a filter',
    'client',
    v4,
    '82 06 0001 0001 00 00',
    0x81,
    /topic filter has U\+0000/,
  ),
  row(
    'Subscription Identifier 0',
    'client',
    v5,
    '82 09 0001 02 0b00 0001 61 00',
    0x82,
    /Subscription Identifier is 0/,
  ),
  row(
    'two Subscription Identifiers',
    'client',
    v5,
    '82 0b 0001 04 0b01 0b02 0001 61 00',
    0x82,
    /Subscription Identifier found twice/,
  ),
];

const subackRows = [
  row('identifier 0', 'server', v4, '90 03 0000 00', 0x82, /SUBACK: packet identifier is 0/),
  row('no code', 'server', v4, '90 02 0001', 0x81, /bytes left for return code: 0/),
  row('no code', 'server', v5, '90 03 0001 00', 0x81, /bytes left for reason code: 0/),
  row('no Property Length', 'server', v5, '90 02 0001', 0x81, /bytes left for property length: 0/),
  row(
    '[MQTT3-3.9.3-2] code 0x03',
    'server',
    v4,
    '90 03 0001 03',
    0x82,
    /0x03, expected one of 0x00 0x01 0x02 0x80/,
  ),
  row('[MQTT3-3.9.3-2] a code of 5.0', 'server', v4, '90 03 0001 87', 0x82, /return code is 0x87/),
  row('[MQTT-3.9.3-2] code 0x03', 'server', v5, '90 05 0001 00 00 03', 0x82, /reason code is 0x03/),
];

const unsubscribeRows = [
  row('identifier 0', 'client', v4, 'a2 05 0000 0001 61', 0x82, /packet identifier is 0/),
  row('[MQTT-3.10.3-2] no filter', 'client', v5, 'a2 03 0001 00', 0x82, /no topic filter/),
  row('[MQTT-3.10.3-2] no filter', 'client', v4, 'a2 02 0001', 0x82, /no topic filter/),
  row(
    'a filter past the end',
    'client',
    v4,
    'a2 04 0001 0001',
    0x81,
    /bytes left for topic filter: 0, expected 1/,
  ),
  row('[MQTT-4.7.1-1] "#/a"', 'client', v4, 'a2 07 0001 0003 232f61', 0x8f, /last level/),
];

const unsubackRows = [
  row('identifier 0', 'server', all, 'b0 02 0000', 0x82, /UNSUBACK: packet identifier is 0/),
  row('no code', 'server', v5, 'b0 03 0001 00', 0x81, /bytes left for reason code: 0/),
  row('[MQTT-3.11.3-2] code 0x01', 'server', v5, 'b0 04 0001 00 01', 0x82, /reason code is 0x01/),
];

const disconnectRows = [
  row('[MQTT-3.14.2-1] an unlisted code', 'server', v5, 'e0 01 84', 0x82, /reason code is 0x84/),
  row('[MQTT-3.14.2-1] a code of clients', 'server', v5, 'e0 01 04', 0x82, /reason code is 0x04/),
  row('[MQTT-3.14.2-1] a code of servers', 'client', v5, 'e0 01 8e', 0x82, /reason code is 0x8E/),
  row(
    '[MQTT-3.14.2-2] Session Expiry Interval of a server',
    'server',
    v5,
    'e0 07 00 05 11 00000001',
    0x82,
    /Session Expiry Interval found, expected only from the client/,
  ),
  row(
    'Server Reference of a client',
    'client',
    v5,
    'e0 06 00 04 1c 0001 61',
    0x82,
    /only from the server/,
  ),
  row(
    'bytes after the end',
    'server',
    v5,
    'e0 03 00 00 00',
    0x81,
    /bytes left after the last field: 1/,
  ),
];

const authRows = [
  row('code alone', 'server', v5, 'f0 01 18', 0x81, /AUTH: bytes left for property length: 0/),
  row('[MQTT-3.15.2-1] a code of clients', 'server', v5, 'f0 06 19 04 15 0001 6d', 0x82, /0x19/),
  row('[MQTT-3.15.2-1] a code of servers', 'client', v5, 'f0 06 00 04 15 0001 6d', 0x82, /0x00/),
  row('nothing said by a client', 'client', v5, 'f0 00', 0x81, /bytes left for reason code: 0/),
  row(
    'data without method',
    'server',
    v5,
    'f0 06 18 04 16 0001 6d',
    0x82,
    /Authentication Data without/,
  ),
  row(
    'bytes after the end',
    'server',
    v5,
    'f0 07 18 04 15 0001 6d 00',
    0x81,
    /bytes left after the last field: 1/,
  ),
];

const tables = {
  'the first byte': firstByteRows,
  'Remaining Length': remainingLengthRows,
  CONNECT: connectRows,
  CONNACK: connackRows,
  PUBLISH: publishRows,
  acknowledgements: acknowledgeRows,
  SUBSCRIBE: subscribeRows,
  SUBACK: subackRows,
  UNSUBSCRIBE: unsubscribeRows,
  UNSUBACK: unsubackRows,
  DISCONNECT: disconnectRows,
  AUTH: authRows,
};

for (const [title, rows] of Object.entries(tables)) {
  describe(`malformed: ${title}`, () => {
    for (const { name: rowName, from, versions, hex, reasonCode, message } of rows) {
      for (const version of versions) {
        it(`${version}, from the ${from}: ${rowName}`, () => {
          const bytes = bytesOfHex(hex);
          const whole = decodeChunks(decoderFrom(from, version), [bytes]);
          expect(whole.packets).toStrictEqual([]);
          expect(whole.error).toBeInstanceOf(MalformedPacketError);
          expect(whole.error?.message).toMatch(message);
          expect(whole.error?.reasonCode).toBe(reasonCode);

          const single = decodeChunks(decoderFrom(from, version), chunksOf(bytes, 1));
          expect(single.pushedBytes).toBe(bytes.length);
          expect(single.error).toStrictEqual(whole.error);
          for (let offset = 1; offset < bytes.length; offset += 1) {
            const cut = decodeChunks(decoderFrom(from, version), cutAt(bytes, [offset]));
            expect(cut.error).toStrictEqual(whole.error);
          }
        });
      }
    }
  });
}

describe('a decoder after a breach', () => {
  it('throws the same error again and ignores what is pushed', () => {
    const decoder = decoderFrom('server', '5.0');
    decoder.push(bytesOfHex('d0 00 00 d0 00'));
    expect(decoder.next()).toStrictEqual({ type: 13 });
    const errors = [0, 1, 2].map(() => {
      try {
        decoder.next();
        return undefined;
      } catch (error) {
        decoder.push(bytesOfHex('d0 00'));
        return error;
      }
    });
    expect(errors[0]).toBeInstanceOf(MalformedPacketError);
    expect(errors[1]).toBe(errors[0]);
    expect(errors[2]).toBe(errors[0]);
    expect(decoder.incomplete).toBe(false);
  });

  it('gives the packets before the breach and none after it, in one chunk', () => {
    const { packets, error } = decodeChunks(decoderFrom('server', '5.0'), [
      bytesOfHex('d0 00 40 02 0001 c0 00 d0 00'),
    ]);
    expect(packets.map(({ type }) => type)).toStrictEqual([13, 4]);
    expect(error?.reasonCode).toBe(0x82);
  });
});

describe('Maximum Packet Size', () => {
  it('counts the fixed header, and takes a packet of exactly that size', () => {
    const bytes = bytesOfHex('30 05 0003 612f62');
    expect(decodeChunks(decoderFrom('server', '3.1.1', 7), [bytes]).packets).toHaveLength(1);
    const { error } = decodeChunks(decoderFrom('server', '3.1.1', 6), [bytes]);
    expect(error?.reasonCode).toBe(0x95);
    expect(error?.message).toBe('PUBLISH: packet size is 7, expected at most 6');
  });

  it('is judged at the last byte of Remaining Length, before anything else has come', () => {
    const { error, pushedBytes } = decodeChunks(
      decoderFrom('server', '5.0', 1 << 24),
      chunksOf(bytesOfHex('30 ffffff7f 0001 61'), 1),
    );
    expect(error?.reasonCode).toBe(0x95);
    expect(error?.message).toMatch(/268435460, expected at most 16777216/);
    expect(pushedBytes).toBe(5);
  });
});

describe('what 3.1.1 tolerates', () => {
  it('a Remaining Length that is longer than need be', () => {
    const { packets } = decodeChunks(decoderFrom('server', '3.1.1'), [
      bytesOfHex('40 82808000 0001 d0 8000'),
    ]);
    expect(packets.map(({ type }) => type)).toStrictEqual([4, 13]);
    const connect = bytesOfHex('10 8c00 0004 4d515454 04 02 0000 0000');
    expect(decodeChunks(decoderFrom('client', '5.0'), [connect]).packets).toHaveLength(1);
  });
});

describe('the version of a server', () => {
  it('is that of CONNECT, from the next packet on', () => {
    for (const [level, version] of [
      ['04', '3.1.1'],
      ['05', '5.0'],
    ] as const) {
      const noPropertyLength = version === '5.0' ? '00' : '';
      const size = version === '5.0' ? '0d' : '0c';
      const other = version === '5.0' ? '3.1.1' : '5.0';
      const { packets, error } = decodeChunks(decoderFrom('client', other), [
        bytesOfHex(`10 ${size} 0004 4d515454 ${level} 02 0000 ${noPropertyLength} 0000`),
        bytesOfHex('e0 01 04'),
      ]);
      expect(packets[0]).toMatchObject({ version });
      expect(packets.length).toBe(version === '5.0' ? 2 : 1);
      expect(error?.reasonCode).toBe(version === '5.0' ? undefined : 0x81);
    }
  });
});
