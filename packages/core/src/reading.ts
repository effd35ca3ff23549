import type { ClientEngine } from '@mqtt-kit/engine';
import { MqttError } from './errors.ts';
import type { Link } from './link.ts';
import type { TurnClock } from './turn-clock.ts';

/** What may still come when the inbox is full and reading cannot pause, since the answer that we await is among it. */
const overfullBytes = 16_777_216;

/**
 * Reading pauses while handlers lag behind or the inbox is full, unless an answer is awaited: a handler that awaits a
 * publish would otherwise wait for ever. A full inbox that no pausing can bound ends the connection; with a kept session
 * everything unacknowledged comes again.
 */
export class Reading {
  /** Received messages wait for handlers. */
  consumersLag = false;
  /** Bytes read while the inbox was full. */
  #overfull = 0;

  received(bytes: number, inboxFull: boolean): void {
    this.#overfull = inboxFull ? this.#overfull + bytes : 0;
  }

  reset(): void {
    this.#overfull = 0;
  }

  /** After each turn. */
  update(link: Link, engine: ClientEngine, turn: TurnClock): void {
    const { inboxFull } = engine;
    if (inboxFull && (!link.canPause || this.#overfull > overfullBytes)) {
      this.#overfull = 0;
      link.destroy(
        new MqttError(
          'connectionLost',
          'this client closed the connection: messages came faster than handlers took them, and the inbox is full',
          { hint: 'Raise inbox.maxMessages or make the handlers faster.' },
        ),
      );
      return;
    }
    const pause = (this.consumersLag || inboxFull) && mayPause(link, engine);
    if (pause === link.isPaused) return;
    engine.readingPaused(pause, turn.fresh());
    turn.end();
    if (pause) link.pause();
    else link.resume();
  }
}

/** Whether reading can be paused: the transport knows how, and no answer that somebody awaits would be held back. */
export function mayPause(link: Link | undefined, engine: ClientEngine): boolean {
  return (link?.canPause ?? false) && !engine.awaitingAnswer;
}
