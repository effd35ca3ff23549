/** Bounds on what waits: for the server, and for handlers. */
import type { BacklogBounds } from './backlog.ts';
import type { ConnectSettings } from './connect-settings.ts';
import { checkGroup, checkInteger } from './option-check.ts';
import type { QueueOptions } from './options.ts';

export function checkQueue(value: unknown): {
  readonly limits: ConnectSettings['queue'];
  readonly inFlight: number | undefined;
  readonly wait: boolean;
} {
  return value === undefined ? usualQueue : queueOf(value);
}

function queueOf(value: unknown): ReturnType<typeof checkQueue> {
  const names = [
    'maxMessages',
    'maxBytes',
    'maxAgeMs',
    'overflow',
    'queueQos0',
    'inFlight',
  ] as const satisfies readonly (keyof QueueOptions)[];
  const given = checkGroup('queue', value, names);
  const overflow = given.oneOf('overflow', 'reject', [
    'reject',
    'dropOldest',
    'wait',
    'latestPerTopic',
  ]);
  const limits = {
    maximumMessages: given.count('maxMessages', 10_000, 0),
    maximumBytes: given.count('maxBytes', 67_108_864, 0),
    maximumAgeMs: given.amount('maxAgeMs', Number.POSITIVE_INFINITY, 0),
    // The engine refuses what does not fit; the client holds callers back before it comes to that.
    overflow: overflow === 'wait' ? 'reject' : overflow,
    queueQos0: given.boolean('queueQos0', true),
  } as const;
  const inFlight = given.optional('inFlight', (name, count) =>
    checkInteger(name, count, 1, 65_535),
  );
  return { limits, inFlight, wait: overflow === 'wait' };
}

export function checkInbox(value: unknown): BacklogBounds {
  return value === undefined ? usualInbox : inboxOf(value);
}

function inboxOf(value: unknown): BacklogBounds {
  const given = checkGroup('inbox', value, ['maxMessages', 'maxBytes']);
  return {
    maximumMessages: given.count('maxMessages', 10_000, 1),
    maximumBytes: given.count('maxBytes', 67_108_864, 1),
  };
}

/** Of all clients that are given nothing else: thousands share them. */
const usualQueue = queueOf(undefined);
const usualInbox = inboxOf(undefined);
