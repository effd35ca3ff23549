/** The topic filter as a field of SUBSCRIBE and UNSUBSCRIBE. */
import type { Measure } from './measure.ts';
import type { Reader } from './reader.ts';
import { ReasonCode } from './reason-code.ts';
import { topicFilterProblem } from './topic.ts';

export function readTopicFilter(reader: Reader): string {
  const topicFilter = reader.string('topic filter'); // [MQTT-3.8.3-1] [MQTT-3.10.3-1]
  const problem = topicFilterProblem(topicFilter);
  if (problem !== undefined) reader.fail(ReasonCode.topicFilterInvalid, `topic filter ${problem}`);
  return topicFilter;
}

export function checkTopicFilter(measure: Measure, topicFilter: string): void {
  const problem = topicFilterProblem(topicFilter);
  if (problem !== undefined) measure.fail(`topic filter ${problem}`);
}
