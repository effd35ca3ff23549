/** SUBSCRIBE (3.8). */
import type { Measure } from './measure.ts';
import { PacketType } from './packet-type.ts';
import type { SubscribePacket, SubscriptionRequest } from './packets.ts';
import { noProperties } from './property.ts';
import { readProperties } from './property-reader.ts';
import { checkProperties, writeProperties } from './property-writer.ts';
import type { QoS } from './qos.ts';
import type { Reader } from './reader.ts';
import { hexadecimal } from './reason-code.ts';
import { sharedSubscription } from './topic.ts';
import { readTopicFilter, requireTopicFilter } from './topic-filter-field.ts';
import type { Writer } from './writer.ts';

const noLocalFlag = 0b0000_0100;
const retainAsPublishedFlag = 0b0000_1000;
const retainHandlingShift = 4;

export function readSubscribe(reader: Reader): SubscribePacket {
  const packetIdentifier = reader.packetIdentifier();
  const properties = reader.version === '5.0' ? readProperties(reader, 'subscribe') : noProperties;
  const subscriptions: SubscriptionRequest[] = [];
  requireTopicFilter(reader);
  while (reader.offset < reader.end) subscriptions.push(readSubscription(reader));
  return { type: PacketType.subscribe, packetIdentifier, subscriptions, properties };
}

function readSubscription(reader: Reader): SubscriptionRequest {
  const topicFilter = readTopicFilter(reader);
  const options = reader.byte('subscription options');
  const reserved = reader.version === '5.0' ? 0b1100_0000 : 0b1111_1100;
  const qos = options & 0b11;
  if ((options & reserved) !== 0) {
    // [MQTT-3.8.3-5] [MQTT3-3.8.3-4]
    reader.malformed(`subscription options are ${hexadecimal(options)}, expected reserved bits 0`);
  }
  if (qos === 3) reader.malformed('requested QoS is 3, expected 0, 1 or 2');
  const retainHandling = options >> retainHandlingShift;
  if (retainHandling === 3) reader.protocolError('Retain Handling is 3, expected 0, 1 or 2');
  const noLocal = (options & noLocalFlag) !== 0;
  if (noLocal && sharedSubscription(topicFilter) !== undefined) {
    reader.protocolError('No Local is 1 on a shared subscription, expected 0'); // [MQTT-3.8.3-4]
  }
  return {
    topicFilter,
    qos: qos as QoS,
    noLocal,
    retainAsPublished: (options & retainAsPublishedFlag) !== 0,
    retainHandling: retainHandling as 0 | 1 | 2,
  };
}

export function checkSubscribe(measure: Measure, packet: SubscribePacket): void {
  measure.integer('packet identifier', packet.packetIdentifier, 1, 0xffff); // [MQTT-2.2.1-3]
  checkProperties(measure, packet.properties, 'subscribe');
  if (packet.subscriptions.length === 0) {
    measure.fail('no subscription given, expected at least one'); // [MQTT-3.8.3-2] [MQTT3-3.8.3-3]
  }
  for (const subscription of packet.subscriptions) {
    measure.topicFilter('topic filter', subscription.topicFilter);
    measure.integer('requested QoS', subscription.qos, 0, 2);
    measure.integer('Retain Handling', subscription.retainHandling, 0, 2);
    const noLocal = subscription.noLocal && measure.version === '5.0';
    if (noLocal && sharedSubscription(subscription.topicFilter) !== undefined) {
      measure.fail('No Local given for a shared subscription, expected false'); // [MQTT-3.8.3-4]
    }
  }
}

export function writeSubscribe(writer: Writer, packet: SubscribePacket): void {
  writer.twoByteInteger('packet identifier', packet.packetIdentifier);
  writeProperties(writer, packet.properties);
  for (const subscription of packet.subscriptions) {
    writer.string('topic filter', subscription.topicFilter);
    // Under 3.1.1 the byte holds nothing but the QoS. [MQTT3-3.8.3-4]
    writer.byte(
      'subscription options',
      writer.version === '5.0' ? subscriptionOptions(subscription) : subscription.qos,
    );
  }
}

function subscriptionOptions(subscription: SubscriptionRequest): number {
  return (
    subscription.qos |
    (subscription.noLocal ? noLocalFlag : 0) |
    (subscription.retainAsPublished ? retainAsPublishedFlag : 0) |
    (subscription.retainHandling << retainHandlingShift)
  );
}
