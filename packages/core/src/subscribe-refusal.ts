import { ReasonCode, sharedSubscription } from '@mqtt-kit/packet';
import { describeReason } from './connection-error.ts';
import { MqttError } from './errors.ts';
import type { FilterEntry } from './topic-filter-entry.ts';

/** The server did not grant a filter. */
export function refusal(
  { topicFilter }: FilterEntry,
  reasonCode: number,
  reasonString: string | undefined,
): MqttError {
  const filter = JSON.stringify(topicFilter);
  const why = describeReason(reasonCode, reasonString);
  const hint =
    reasonCode === ReasonCode.notAuthorized
      ? 'Check what the server allows this client to read.'
      : undefined;
  return new MqttError(
    'subscribeRefused',
    `the server refused the subscription to ${filter}: ${why}`,
    {
      reasonCode,
      reasonString,
      hint,
    },
  );
}

/** The reason code that a server would give for what it announced not to take. */
export function limitCode(topicFilter: string): number {
  if (sharedSubscription(topicFilter) !== undefined) {
    return ReasonCode.sharedSubscriptionsNotSupported;
  }
  return /[+#]/.test(topicFilter)
    ? ReasonCode.wildcardSubscriptionsNotSupported
    : ReasonCode.packetTooLarge;
}
