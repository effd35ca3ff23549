import { DefinitionError, within } from './definition-error.ts';
import { type Duration, durationMs, positiveDurationMs } from './duration.ts';
import type { RandomStream } from './random-stream.ts';

/** When a fault happens: exactly one of `every`, `meanEvery` and `chance`. */
export interface FaultTiming {
  /** A pattern: at this time after the start, and again after each such time. The same for all devices. */
  readonly every?: Duration;
  /** By chance, once in this time on average; for each device at other times. */
  readonly meanEvery?: Duration;
  /** By chance, for this part of the readings: 0 to 1. Not together with `for`. */
  readonly chance?: number;
  /** How long it lasts. Without it one reading. */
  readonly for?: Duration;
  /** Time of the first one of a pattern. Default: `every`. */
  readonly first?: Duration;
}

/** A fault of some fields; all fields that are numbers, or for `stuck` all, unless `fields` names them. */
export interface FieldFaultTiming extends FaultTiming {
  readonly fields?: readonly string[];
  /**
   * Whether fields that depend on these see it, too: then it is the thing that fails, else its sensor. Takes `for`.
   * Default false.
   */
  readonly spreads?: boolean;
}

/** Something that goes wrong. Made by the functions of `fault`; the same objects may stand in a JSON definition. */
export type Fault =
  | (FieldFaultTiming & { readonly fault: 'stuck' })
  | (FieldFaultTiming & { readonly fault: 'spike'; readonly size: number })
  | (FieldFaultTiming & {
      readonly fault: 'drift';
      readonly perHour: number;
      readonly recovery?: Duration;
    })
  | (FaultTiming & { readonly fault: 'dropout' })
  | (FaultTiming & { readonly fault: 'duplicate' })
  | (FaultTiming & { readonly fault: 'outOfOrder' })
  | (FaultTiming & { readonly fault: 'clockSkew'; readonly by: Duration | `-${string}` })
  | (FaultTiming & { readonly fault: 'offline' })
  | (FaultTiming & { readonly fault: 'reconnectStorm' });

/** What can go wrong with a device. Other fields see the true value, unless `spreads` is true. */
export const fault: {
  /** The value stays what it was when the fault began. */
  stuck(timing: FieldFaultTiming): Fault;
  /** The value is off by `size`, up or down by chance. */
  spike(timing: FieldFaultTiming & { readonly size: number }): Fault;
  /** The value moves away by `perHour` while it lasts, and returns in straight line within `recovery` (default: at once). */
  drift(
    timing: FieldFaultTiming & { readonly perHour: number; readonly recovery?: Duration },
  ): Fault;
  /** Nothing is published. */
  dropout(timing: FaultTiming): Fault;
  /** The message is published twice. */
  duplicate(timing: FaultTiming): Fault;
  /** The message is published after the next one of its topic. */
  outOfOrder(timing: FaultTiming): Fault;
  /** The device's clock is wrong by a duration, ahead or behind: `by: '-5m'`. See `clock`. */
  clockSkew(timing: FaultTiming & { readonly by: Duration | `-${string}` }): Fault;
  /** The device loses its connection without a word, so that its will is published, and comes back when `for` is over. */
  offline(timing: FaultTiming & { readonly for: Duration }): Fault;
  /** All devices lose their connections at once and come back at once. `for` defaults to a second. */
  reconnectStorm(timing: FaultTiming): Fault;
} = {
  stuck: (timing) => ({ fault: 'stuck', ...timing }),
  spike: (timing) => ({ fault: 'spike', ...timing }),
  drift: (timing) => ({ fault: 'drift', ...timing }),
  dropout: (timing) => ({ fault: 'dropout', ...timing }),
  duplicate: (timing) => ({ fault: 'duplicate', ...timing }),
  outOfOrder: (timing) => ({ fault: 'outOfOrder', ...timing }),
  clockSkew: (timing) => ({ fault: 'clockSkew', ...timing }),
  offline: (timing) => ({ fault: 'offline', ...timing }),
  reconnectStorm: (timing) => ({ fault: 'reconnectStorm', for: '1s', ...timing }),
};

/** Milliseconds of `by`, which may be negative. */
export function skewMs(by: Duration): number {
  const behind = typeof by === 'string' ? by.startsWith('-') : by < 0;
  const size = typeof by === 'string' ? by.replace(/^-/, '') : by;
  return behind
    ? -durationMs(typeof size === 'number' ? -size : size, 'it')
    : durationMs(size, 'it');
}

/** When a fault of one device is there. */
export interface Occasions {
  /** When the one began that lasts at a time, up to `extraMs` longer than it does; `undefined` if there is none. */
  startOf(elapsedMs: number, previousMs: number, extraMs?: number): number | undefined;
  /** The first start at or after a time; `Infinity` if there is none. */
  nextStart(fromMs: number): number;
  readonly durationMs: number;
}

/** Reads a timing. `stream` belongs to the fault of one device. Throws `DefinitionError`. */
export function occasions(timing: FaultTiming, stream: RandomStream): Occasions {
  const given = (['every', 'meanEvery', 'chance'] as const).filter(
    (name) => timing[name] !== undefined,
  );
  if (given.length !== 1) {
    throw new DefinitionError(
      `takes one of every, meanEvery and chance; given ${given.length === 0 ? 'was none' : `were ${given.join(' and ')}`}`,
    );
  }
  const lasting = timing.for === undefined ? 0 : positiveMs(timing, 'for');
  if (timing.every !== undefined) return pattern(timing, lasting);
  if (timing.first !== undefined) {
    throw new DefinitionError('first belongs to every: chance has no first time', ['first']);
  }
  if (timing.meanEvery !== undefined) {
    return byChance(positiveMs(timing, 'meanEvery'), lasting, stream);
  }
  const chance = timing.chance ?? 0;
  if (!(chance >= 0 && chance <= 1)) {
    throw new DefinitionError(`must be from 0 to 1, not ${JSON.stringify(chance)}`, ['chance']);
  }
  if (lasting > 0) {
    throw new DefinitionError('chance is about single readings: with for give meanEvery', ['for']);
  }
  return {
    durationMs: 0,
    startOf: (elapsedMs) => (stream.uniform(elapsedMs) < chance ? elapsedMs : undefined),
    nextStart: () => Number.POSITIVE_INFINITY,
  };
}

function positiveMs(timing: FaultTiming, name: 'every' | 'meanEvery' | 'for'): number {
  return within([name], () => positiveDurationMs(timing[name] as Duration, 'it'));
}

function pattern(timing: FaultTiming, lasting: number): Occasions {
  const everyMs = positiveMs(timing, 'every');
  const firstMs =
    timing.first === undefined
      ? everyMs
      : within(['first'], () => durationMs(timing.first as Duration, 'it'));
  if (lasting > everyMs) {
    throw new DefinitionError('for must not be longer than every', ['for']);
  }
  const latest = (atMs: number): number =>
    firstMs + Math.floor((atMs - firstMs) / everyMs) * everyMs;
  return {
    durationMs: lasting,
    startOf(elapsedMs, previousMs, extraMs = 0) {
      const startMs = latest(elapsedMs);
      return startMs >= firstMs && isActive(startMs, lasting, elapsedMs, previousMs, extraMs)
        ? startMs
        : undefined;
    },
    nextStart: (fromMs) =>
      Math.max(firstMs + Math.ceil((fromMs - firstMs) / everyMs) * everyMs, firstMs),
  };
}

/**
 * Time is cut into windows; in each there is one occasion by chance, somewhere in it. So whether there is one at a
 * moment is known from the window alone.
 */
function byChance(meanMs: number, lasting: number, stream: RandomStream): Occasions {
  if (lasting > meanMs) {
    throw new DefinitionError('for must not be longer than meanEvery', ['for']);
  }
  const windowMs = Math.max(lasting, meanMs / 8);
  const share = windowMs / meanMs;
  const startIn = (window: number): number | undefined => {
    if (window < 0 || stream.uniform(window) >= share) return undefined;
    return Math.round(window * windowMs + (windowMs - lasting) * stream.uniform(window, 1));
  };
  return {
    durationMs: lasting,
    startOf(elapsedMs, previousMs, extraMs = 0) {
      // What began in an earlier window may still be there: its extra time, or the reading that it waits for.
      const oldest = Math.min(elapsedMs - extraMs, previousMs);
      for (let window = Math.floor(elapsedMs / windowMs); ; window--) {
        const startMs = startIn(window);
        if (
          startMs !== undefined &&
          startMs <= elapsedMs &&
          isActive(startMs, lasting, elapsedMs, previousMs, extraMs)
        ) {
          return startMs;
        }
        if (window < 0 || window * windowMs < oldest - windowMs) return undefined;
      }
    },
    nextStart(fromMs) {
      for (let window = Math.max(Math.floor(fromMs / windowMs), 0); ; window++) {
        const startMs = startIn(window);
        if (startMs !== undefined && startMs >= fromMs) return startMs;
      }
    },
  };
}

function isActive(
  startMs: number,
  lasting: number,
  elapsedMs: number,
  previousMs: number,
  extraMs: number,
): boolean {
  // One that lasts for no time meets the first reading after it.
  if (lasting === 0) return startMs > previousMs;
  return elapsedMs < startMs + lasting + extraMs;
}
