/** The topic filter as a field of SUBSCRIBE and UNSUBSCRIBE that are received. */
import type { Reader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { topicFilterShapeProblem } from './topic.ts';

/** Refuses a packet that ends where its first filter should be. */
export function requireTopicFilter(reader: Reader): void {
  if (reader.offset === reader.end) {
    // [MQTT-3.8.3-2] [MQTT-3.10.3-2] [MQTT3-3.8.3-3]
    reader.protocolError('no topic filter found, expected at least one');
  }
}

export function readTopicFilter(reader: Reader): string {
  const topicFilter = reader.string('topic filter'); // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
  const problem = topicFilterShapeProblem(topicFilter);
  if (problem !== undefined) reader.fail(ReasonCode.topicFilterInvalid, `topic filter ${problem}`);
  return topicFilter;
}
