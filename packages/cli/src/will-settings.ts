import { topicNameProblem } from '@mqtt-kit/packet';
import type { WillOptions } from 'mqtt-kit';
import type { ParsedArguments } from './parsed-arguments.ts';
import type { PropertyOptions } from './property-options.ts';
import { argumentBytes } from './raw-arguments.ts';
import { quoted, UsageError } from './usage-error.ts';
import { wellFormed } from './well-formed.ts';

/** The will of the command line. Throws `UsageError`. */
export function willOptions(
  args: ParsedArguments,
  properties: PropertyOptions['will'],
): WillOptions | undefined {
  const topic = args.text('will-topic');
  if (topic === undefined) {
    const alone = (['will-payload', 'will-qos', 'will-retain'] as const).find((n) => args.given(n));
    const unused = Object.keys(properties).length > 0 && args.mosquitto === undefined;
    if (alone === undefined && unused) {
      throw new UsageError('-D will needs --will-topic');
    }
    if (alone === undefined) return undefined;
    throw new UsageError(`--${alone} needs --will-topic`);
  }
  const problem = topicNameProblem(topic);
  if (problem !== undefined) throw new UsageError(`--will-topic ${quoted(topic)} ${problem}`);
  const payload = argumentBytes(args.text('will-payload') ?? '');
  if (payload.length > 65_535) {
    throw new UsageError(`--will-payload has ${payload.length} bytes; a will has at most 65535`);
  }
  return {
    topic: wellFormed('--will-topic', topic),
    payload,
    qos: Number(args.text('will-qos') ?? 0) as 0 | 1 | 2,
    retain: args.flag('will-retain'),
    ...properties,
  };
}
