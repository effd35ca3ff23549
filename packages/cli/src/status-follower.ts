/**
 * What the ups and downs of a connection mean to a program: what a person is told of them, and when to give up.
 *
 * The attempts are counted here, over an *outage*: it begins with the loss of a connection that was good, and ends
 * with the next one that is. A connection that is lost within a second of being accepted was not good, so a server
 * that accepts and closes, or a second client that takes the session again and again, is one long outage.
 */
import type { MqttError, Status } from 'mqtt-kit';
import type { RetryPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { type OneShot, oneShot } from './one-shot.ts';

/** A connection that is lost sooner was not good. */
const goodAfterMs = 1000;

/** So many attempts are told one by one; of the later ones those whose number is a power of two. */
const toldAttempts = 8;

type Reconnecting = Extract<Status, { state: 'reconnecting' }>;

export interface StatusFollowerOptions {
  readonly retry: RetryPlan;
  /** The client identifier that the command line gives. */
  readonly clientId: string | undefined;
  readonly diagnostics: Pick<Diagnostics, 'note'>;
  /** Called when the first attempt failed, when the attempts are used up, and when another one makes no sense. */
  readonly onGivenUp: (error: MqttError) => void;
  /** Milliseconds that never go back. */
  readonly nowMs: () => number;
}

export class StatusFollower {
  /** Whether a server has ever accepted the connection. */
  everConnected = false;
  /** Resolves when one has; never when none does. */
  readonly accepted: OneShot<void> = oneShot();
  readonly #options: StatusFollowerOptions;
  /** When the connection that stands was accepted. */
  #acceptedAtMs: number | undefined;
  #outageBeganMs: number | undefined;
  /** Attempts to restore the connection in this outage. */
  #retries = 0;
  /** Whether a loss was told since the last connection. */
  #troubled = false;
  #clientIdHinted = false;

  constructor(options: StatusFollowerOptions) {
    this.#options = options;
  }

  follow(status: Status): void {
    if (status.state === 'connected') this.#onConnected(status.server);
    else if (status.state === 'reconnecting') this.#onReconnecting(status);
    else if (status.state === 'closed' && status.reason !== undefined) {
      this.#options.onGivenUp(status.reason);
    }
  }

  #onConnected(server: string): void {
    const again = this.everConnected ? 'again ' : '';
    if (this.#troubled) this.#note(`connected ${again}to ${server}`);
    this.everConnected = true;
    this.accepted.settle();
    this.#troubled = false;
    this.#acceptedAtMs = this.#options.nowMs();
  }

  #onReconnecting(status: Reconnecting): void {
    const { retry, onGivenUp } = this.#options;
    const wasAccepted = this.#acceptedAtMs !== undefined;
    this.#count();
    const isRetried =
      this.everConnected ||
      retry.initial ||
      (retry.afterLoss === true && (status.reason.code === 'connectionLost' || this.#retries > 1));
    if (this.#isUsedUp() || !isRetried) {
      onGivenUp(status.reason);
      return;
    }
    if (isTold(this.#retries)) {
      this.#note(this.#text(status));
      this.#troubled = true;
    }
    if (wasAccepted) this.#hintAtClientId(status.reason);
  }

  /** Counts the attempt that comes next. */
  #count(): void {
    const nowMs = this.#options.nowMs();
    const wasGood = this.#acceptedAtMs !== undefined && nowMs - this.#acceptedAtMs >= goodAfterMs;
    if (wasGood || this.#outageBeganMs === undefined) {
      this.#outageBeganMs = nowMs;
      this.#retries = 0;
    }
    this.#acceptedAtMs = undefined;
    this.#retries += 1;
  }

  /** Both the attempts and the time that they last at least. */
  #isUsedUp(): boolean {
    const { retry, nowMs } = this.#options;
    const outageMs = nowMs() - (this.#outageBeganMs ?? nowMs());
    return this.#retries > retry.limit && outageMs >= retry.minimumMs;
  }

  #text({ reason, delayMs }: Reconnecting): string {
    const more = this.#retries === toldAttempts && this.#options.retry.limit > toldAttempts;
    const shownNoMore = more ? '; further attempts are not shown one by one' : '';
    return `${reason.message}; trying again ${shownDelay(delayMs)} (attempt ${this.#retries}${shownNoMore})`;
  }

  /** What the library suspects when connections close at once, over and over; of a random identifier nobody has two. */
  #hintAtClientId({ code, reasonCode, hint }: MqttError): void {
    const { clientId } = this.#options;
    const suspected = code === 'connectionLost' && reasonCode === undefined && hint !== undefined;
    if (!suspected || this.#clientIdHinted || clientId === undefined || clientId === '') return;
    this.#clientIdHinted = true;
    this.#note(
      `another client may use the client identifier '${clientId}'; each needs its own: -i ID`,
    );
  }

  #note(text: string): void {
    this.#options.diagnostics.note({ text });
  }
}

function isTold(attempt: number): boolean {
  return attempt <= toldAttempts || (attempt & (attempt - 1)) === 0;
}

function shownDelay(delayMs: number): string {
  if (delayMs < 1) return 'at once';
  return delayMs < 950 ? `in ${Math.ceil(delayMs)} ms` : `in ${Math.round(delayMs / 1000)} s`;
}
