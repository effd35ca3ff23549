import type { Will } from '@mqtt-kit/engine';
import { MqttUsageError } from './errors.ts';
import { checkGroup, checkInteger } from './option-check.ts';
import type { WillOptions } from './options.ts';
import { checkQos, checkTopic, messageProperties } from './outgoing-message.ts';
import { encodePayload } from './payload.ts';

const willNames = [
  'topic',
  'payload',
  'qos',
  'retain',
  'delaySeconds',
  'payloadFormatIndicator',
  'messageExpirySeconds',
  'contentType',
  'responseTopic',
  'correlationData',
  'userProperties',
] as const satisfies readonly (keyof WillOptions)[];

/** The two length bytes in front of the will's payload can say no more. (3.1.3.3) */
const largestPayload = 65_535;

let latestText: string | undefined;
let latestBytes: Uint8Array;

/** Copied: the caller may change its own. Text that is the same for thousands of clients in one process is so once. */
function payloadBytes(payload: unknown): Uint8Array {
  if (typeof payload === 'string' && payload === latestText) return latestBytes;
  const bytes = encodePayload('will.payload', payload).slice();
  if (typeof payload === 'string') {
    latestText = payload;
    latestBytes = bytes;
  }
  return bytes;
}

/** Checks a will and copies it: it is sent again with every connection. */
export function checkWill(will: unknown, propertiesProblem: string | undefined): Will {
  const given = checkGroup('will', will, willNames);
  const options = will as WillOptions;
  const payload = payloadBytes(given.or('payload', ''));
  if (payload.length > largestPayload) {
    throw new MqttUsageError(
      `will.payload must be at most 65,535 bytes; got ${payload.length.toLocaleString('en')}`,
    );
  }
  const properties = messageProperties('will.', options, propertiesProblem);
  const delay = given.get('delaySeconds');
  if (delay !== undefined && propertiesProblem !== undefined) {
    throw new MqttUsageError(`will.delaySeconds ${propertiesProblem}`);
  }
  return {
    topic: checkTopic('will.topic', options.topic),
    payload,
    qos: checkQos('will.qos', given.or('qos', 0)),
    retain: given.boolean('retain', false),
    properties:
      delay === undefined
        ? properties
        : {
            willDelayInterval: checkInteger('will.delaySeconds', delay, 0, 0xffff_ffff),
            ...properties,
          },
  };
}
