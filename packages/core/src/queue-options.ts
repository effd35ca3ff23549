/** Bounds on what waits: for the server, and for handlers. */
import type { BacklogBounds } from './backlog.ts';
import type { ConnectSettings } from './connect-settings.ts';
import {
  checkAmount,
  checkBoolean,
  checkCount,
  checkInteger,
  checkOneOf,
  checkOptions,
} from './option-check.ts';
import type { QueueOptions } from './options.ts';

export function checkQueue(value: unknown): {
  readonly limits: ConnectSettings['queue'];
  readonly inFlight: number | undefined;
  readonly wait: boolean;
} {
  const names = [
    'maxMessages',
    'maxBytes',
    'maxAgeMs',
    'overflow',
    'queueQos0',
    'inFlight',
  ] as const satisfies readonly (keyof QueueOptions)[];
  const given = checkOptions('queue', value, names);
  const overflow = checkOneOf('queue.overflow', given.or('overflow', 'reject'), [
    'reject',
    'dropOldest',
    'wait',
    'latestPerTopic',
  ]);
  const limits = {
    maximumMessages: checkCount('queue.maxMessages', given.or('maxMessages', 10_000), 0),
    maximumBytes: checkCount('queue.maxBytes', given.or('maxBytes', 67_108_864), 0),
    maximumAgeMs: checkAmount('queue.maxAgeMs', given.or('maxAgeMs', Number.POSITIVE_INFINITY), 0),
    // The engine refuses what does not fit; the client holds callers back before it comes to that.
    overflow: overflow === 'wait' ? 'reject' : overflow,
    queueQos0: checkBoolean('queue.queueQos0', given.or('queueQos0', true)),
  } as const;
  const inFlight = given.has('inFlight')
    ? checkInteger('queue.inFlight', given.get('inFlight'), 1, 65_535)
    : undefined;
  return { limits, inFlight, wait: overflow === 'wait' };
}

export function checkInbox(value: unknown): BacklogBounds {
  const given = checkOptions('inbox', value, ['maxMessages', 'maxBytes']);
  return {
    maxMessages: checkCount('inbox.maxMessages', given.or('maxMessages', 10_000), 1),
    maxBytes: checkCount('inbox.maxBytes', given.or('maxBytes', 67_108_864), 1),
  };
}
