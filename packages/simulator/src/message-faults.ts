import { type Occasions, occasions, skewMs } from './fault.ts';
import type { PlannedFault } from './planned-faults.ts';
import type { RandomStream } from './random-stream.ts';

interface MessageFault extends PlannedFault {
  readonly occasions: Occasions;
}

/** What becomes of the messages of a reading. */
export interface MessageFate {
  dropped: boolean;
  doubled: boolean;
  late: boolean;
  /** By how much the device's clock is wrong. */
  skewMs: number;
}

/** Faults of one device that change which messages it sends, and when. */
export class MessageFaults {
  /** Those that take the connection away. */
  readonly absences: readonly Occasions[];
  readonly #faults: readonly MessageFault[];

  constructor(planned: readonly PlannedFault[], streams: RandomStream) {
    const faults = planned.map((one) => ({
      ...one,
      occasions: occasions(one.fault, streams.child(one.streamName)),
    }));
    const absent = ({ fault }: PlannedFault): boolean =>
      fault.fault === 'offline' || fault.fault === 'reconnectStorm';
    this.absences = faults.filter(absent).map((one) => one.occasions);
    this.#faults = faults.filter((one) => !absent(one));
  }

  /** The fate of a reading; the one before was at `previousMs`. */
  at(elapsedMs: number, previousMs: number): MessageFate {
    const fate = { dropped: false, doubled: false, late: false, skewMs: 0 };
    for (const { fault, occasions: when } of this.#faults) {
      if (when.startOf(elapsedMs, previousMs) === undefined) continue;
      if (fault.fault === 'clockSkew') fate.skewMs += skewMs(fault.by);
      else if (fault.fault === 'dropout') fate.dropped = true;
      else if (fault.fault === 'duplicate') fate.doubled = true;
      else if (fault.fault === 'outOfOrder') fate.late = true;
    }
    return fate;
  }
}
