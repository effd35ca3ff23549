/** CONNECT (3.1). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { ConnectPacket, WillPacketPart } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { ProtocolVersion } from './protocol-version.ts';
import type { QoS } from './qos.ts';
import type { Reader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { topicNameShapeProblem } from './topic.ts';
import type { Writer } from './writer.ts';

const protocolName = 'MQTT';
const protocolLevels: Readonly<Record<ProtocolVersion, number>> = { '3.1.1': 4, '5.0': 5 };

const reservedFlag = 0b0000_0001;
const cleanStartFlag = 0b0000_0010;
const willFlag = 0b0000_0100;
const willQosShift = 3;
const willRetainFlag = 0b0010_0000;
const passwordFlag = 0b0100_0000;
const usernameFlag = 0b1000_0000;
/** The flags that say something only together with the will flag. */
const willDetailFlags = 0b0011_1000;

/** Reads a CONNECT, and has everything after its protocol level read by the version that it names. */
export function readConnect(reader: Reader): ConnectPacket {
  const version = readVersion(reader);
  reader.version = version;
  const flags = reader.byte('connect flags');
  checkFlags(reader, flags);
  const keepAliveSeconds = reader.twoByteInteger('Keep Alive');
  const properties = version === '5.0' ? readProperties(reader, 'connect') : noProperties;
  // The order of the fields. [MQTT-3.1.3-1] [MQTT-3.1.3-3]
  const clientId = reader.string('client identifier'); // [MQTT-3.1.3-4]
  const cleanStart = (flags & cleanStartFlag) !== 0;
  if (clientId === '' && !cleanStart && version === '3.1.1') {
    // [MQTT3-3.1.3-7]
    reader.fail(
      ReasonCode.clientIdentifierNotValid,
      'client identifier is empty with Clean Session 0, expected an identifier or Clean Session 1',
    );
  }
  // Flags say which fields there are. [MQTT-3.1.2-9] [MQTT-3.1.2-17] [MQTT-3.1.2-19]
  const will = (flags & willFlag) !== 0 ? readWill(reader, flags) : undefined;
  const username = (flags & usernameFlag) !== 0 ? reader.string('user name') : undefined;
  const password = (flags & passwordFlag) !== 0 ? reader.binary('password') : undefined;
  reader.finish();
  return {
    type: PacketType.connect,
    version,
    clientId,
    cleanStart,
    keepAliveSeconds,
    username,
    password,
    will,
    properties,
  };
}

function readVersion(reader: Reader): ProtocolVersion {
  const name = reader.string('protocol name');
  const level = reader.byte('protocol level');
  if (name === protocolName) {
    if (level === protocolLevels['5.0']) return '5.0';
    if (level === protocolLevels['3.1.1']) return '3.1.1';
  }
  // [MQTT-3.1.2-1] [MQTT-3.1.2-2]
  return reader.fail(
    ReasonCode.unsupportedProtocolVersion,
    `protocol ${JSON.stringify(name.slice(0, 40))} level ${level} found, expected "MQTT" level 4 (3.1.1) or 5 (5.0)`,
  );
}

function checkFlags(reader: Reader, flags: number): void {
  if ((flags & reservedFlag) !== 0) {
    reader.malformed('reserved connect flag is 1, expected 0'); // [MQTT-3.1.2-3]
  }
  if ((flags & willFlag) === 0 && (flags & willDetailFlags) !== 0) {
    // [MQTT-3.1.2-11] [MQTT-3.1.2-13]
    reader.malformed('Will QoS or Will Retain is set without the will flag, expected 0');
  }
  if (willQosOf(flags) === 3) reader.malformed('Will QoS is 3, expected 0, 1 or 2'); // [MQTT-3.1.2-12]
  if (reader.version === '3.1.1' && (flags & passwordFlag) !== 0 && (flags & usernameFlag) === 0) {
    reader.malformed('password flag without user name flag, expected both'); // [MQTT3-3.1.2-22]
  }
}

function readWill(reader: Reader, flags: number): WillPacketPart {
  const properties = reader.version === '5.0' ? readProperties(reader, 'will') : noProperties;
  const topic = reader.string('will topic');
  const problem = topicNameShapeProblem(topic);
  if (problem !== undefined) reader.fail(ReasonCode.topicNameInvalid, `will topic ${problem}`);
  return {
    topic,
    payload: reader.binary('will payload'),
    qos: willQosOf(flags) as QoS,
    retain: (flags & willRetainFlag) !== 0,
    properties,
  };
}

function willQosOf(flags: number): number {
  return (flags >> willQosShift) & 0b11;
}

export function checkConnect(measure: Measure, packet: ConnectPacket): void {
  if (packet.version !== measure.version) {
    measure.fail(`version is ${packet.version}, expected that of the encoder, ${measure.version}`);
  }
  checkProperties(measure, packet.properties, 'connect');
  if (packet.version === '3.1.1') {
    if (packet.clientId === '' && !packet.cleanStart) {
      // [MQTT3-3.1.3-7]
      measure.fail('client identifier is empty without Clean Session, expected an identifier');
    }
    if (packet.password !== undefined && packet.username === undefined) {
      measure.fail('password without user name, expected both'); // [MQTT3-3.1.2-22]
    }
  }
  const will = packet.will;
  if (will === undefined) return;
  measure.integer('Will QoS', will.qos, 0, 2); // [MQTT-3.1.2-12]
  measure.topicName('will topic', will.topic);
  checkProperties(measure, will.properties, 'will');
}

export function writeConnect(writer: Writer, packet: ConnectPacket): void {
  const { will, username, password } = packet;
  writer.string('protocol name', protocolName);
  writer.byte('protocol level', protocolLevels[packet.version]);
  writer.byte('connect flags', connectFlags(packet));
  writer.twoByteInteger('Keep Alive', packet.keepAliveSeconds);
  writeProperties(writer, packet.properties);
  // The order of the fields. [MQTT-3.1.3-1] [MQTT-3.1.3-3]
  writer.string('client identifier', packet.clientId);
  if (will !== undefined) {
    writeProperties(writer, will.properties);
    writer.string('will topic', will.topic);
    writer.binary('will payload', will.payload);
  }
  if (username !== undefined) writer.string('user name', username);
  if (password !== undefined) writer.binary('password', password);
}

function connectFlags({ cleanStart, will, username, password }: ConnectPacket): number {
  let flags = 0; // [MQTT-3.1.2-3]: the reserved flag stays 0.
  if (cleanStart) flags |= cleanStartFlag;
  if (will !== undefined) {
    flags |= willFlag | (will.qos << willQosShift);
    if (will.retain) flags |= willRetainFlag;
  }
  if (password !== undefined) flags |= passwordFlag;
  if (username !== undefined) flags |= usernameFlag;
  return flags;
}
