/**
 * Whose fault it is that a message is missing or came twice, from the traces of the wires.
 *
 * A fault counts against the client unless the trace explains it by the server: mosquitto 2.0.11 sends a PUBLISH anew
 * behind its PUBREL now and then; a server that was killed has forgotten what it did since it saved its sessions last;
 * one without a disk forgets everything when it ends.
 */
import { PacketType } from '@mqtt-kit/packet';
import type { WireEvent } from './wire-trace.ts';

/** An end of the server behind which it knew no more than what it had saved. */
export interface Outage {
  /** When it had saved last, in milliseconds since 1970; `-Infinity` for a server that saves nothing. */
  readonly savedAtMs: number;
  readonly endedAtMs: number;
}

export interface Wires {
  readonly publisherTrace: readonly WireEvent[];
  readonly receiverTrace: readonly WireEvent[];
  readonly outages: readonly Outage[];
  /** Whether the server, as far as anybody knows, loses nothing but by an outage. */
  readonly isTrusted: boolean;
}

/**
 * The server confirmed it to the publisher, and the receiver never confirmed it, or could not know it: under
 * an identifier that another message still had. A server that is trusted needs an outage besides.
 */
export function wasLostByServer(number: number, wires: Wires): boolean {
  const sent = exchangesOf(wires.publisherTrace, false, number);
  const passedOn = exchangesOf(wires.receiverTrace, true, number);
  if (!sent.some((own) => own.confirmed)) return false;
  if (passedOn.some((own) => own.confirmed && !own.stolen)) return false;
  return (
    !wires.isTrusted ||
    passedOn.some((own) => own.stolen) ||
    sent.some((own) => wasForgotten(own.identifier, wires))
  );
}

/** The publisher sent it in one exchange, and the server passed it on in several; or it forgot the publisher's. */
export function wasDoubledByServer(number: number, wires: Wires): boolean {
  const sent = exchangesOf(wires.publisherTrace, false, number);
  if (sent.some((own) => own.afterLoss)) return true;
  return sent.length === 1 && exchangesOf(wires.receiverTrace, true, number).length > 1;
}

/**
 * Sessions in which something had been exchanged, and which were gone although no outage explains it. One that its
 * client never heard of, because it was killed before CONNACK, is no loss.
 */
export function lostSessions(
  trace: readonly WireEvent[],
  { outages, isTrusted }: Pick<Wires, 'outages' | 'isTrusted'>,
): readonly string[] {
  if (!isTrusted) return [];
  let isInUse = false;
  const losses: string[] = [];
  let connectedMs = Number.NEGATIVE_INFINITY;
  const askedMs = new Map<number, number>();
  for (const [place, { type, identifier, connection, atMs }] of trace.entries()) {
    if (type === PacketType.connect) {
      askedMs.set(connection, atMs);
    } else if (type === PacketType.connack) {
      const isExplained = outages.some(
        ({ endedAtMs }) => endedAtMs >= connectedMs && endedAtMs <= atMs,
      );
      if (identifier === 0 && isInUse && !isExplained) {
        losses.push(lossStory(trace.slice(Math.max(0, place - 20), place + 1), outages, atMs));
      }
      if (identifier === 0) isInUse = false;
      // Its CONNACK may be read only when the end of the server is known already: its CONNECT came before.
      connectedMs = askedMs.get(connection) ?? atMs;
    } else if (isOfExchange(type) || type === PacketType.suback) {
      isInUse = true;
    }
  }
  return losses;
}

/** What was seen before a session was gone, and when the server had ended, for people. */
function lossStory(
  events: readonly WireEvent[],
  outages: readonly Outage[],
  lossMs: number,
): string {
  const ago = (atMs: number): string => `${Math.round(lossMs - atMs)} ms before`;
  const seen = events.map(
    ({ connection, fromServer, type, identifier, atMs }) =>
      `#${connection}${fromServer ? '<' : '>'}${type}/${identifier} ${ago(atMs)}`,
  );
  const ends = outages.map(({ endedAtMs }) => ago(endedAtMs));
  return `a session was gone: ${seen.join(', ')}; the server was killed ${ends.join(', ') || 'never'}`;
}

/** A file system tells times in steps of a few milliseconds. */
const clockStepMs = 10;

/** Whether the server did something under that identifier that it did not know any more after an outage. */
function wasForgotten(identifier: number, { publisherTrace, outages }: Wires): boolean {
  return publisherTrace.some(
    (event) =>
      event.identifier === identifier &&
      isOfExchange(event.type) &&
      outages.some(
        ({ savedAtMs, endedAtMs }) =>
          event.atMs >= savedAtMs - clockStepMs && event.atMs <= endedAtMs + clockStepMs,
      ),
  );
}

function isOfExchange(type: number): boolean {
  return type >= PacketType.publish && type <= PacketType.pubcomp;
}

interface Exchange {
  readonly identifier: number;
  /** Another message had the identifier, and the other side has not said PUBCOMP. */
  readonly stolen: boolean;
  /** Sent before, in a session that the server lost. */
  readonly afterLoss: boolean;
  /** The other side has answered: PUBACK or PUBREC. */
  confirmed: boolean;
}

/**
 * The exchanges in which one side sent a message: repetitions under the same identifier are one, until its sender has
 * said PUBREL, or the server has lost the session.
 */
function exchangesOf(
  events: readonly WireEvent[],
  fromServer: boolean,
  number: number,
): readonly Exchange[] {
  const exchanges: Exchange[] = [];
  const holders = new Map<number, number>();
  let current: Exchange | undefined;
  let wasLost = false;
  for (const event of events) {
    const { type, identifier } = event;
    const isSender = event.fromServer === fromServer;
    if (type === PacketType.connack && identifier === 0) {
      wasLost = exchanges.length > 0;
      current = undefined;
      holders.clear();
    } else if (isSender && type === PacketType.publish) {
      const holder = holders.get(identifier);
      holders.set(identifier, event.number);
      if (event.number === number && current?.identifier !== identifier) {
        const stolen = holder !== undefined && holder !== number;
        current = { identifier, stolen, afterLoss: wasLost, confirmed: false };
        exchanges.push(current);
      } else if (event.number !== number && current?.identifier === identifier) {
        current = undefined; // The identifier stands for another message now.
      }
    } else if (isSender && type === PacketType.pubrel) {
      if (identifier === current?.identifier) current = undefined;
    } else if (!isSender && type === PacketType.pubcomp) {
      // Only now it is sure that PUBREL has arrived.
      holders.delete(identifier);
    } else if (!isSender && isReceipt(type)) {
      if (type === PacketType.puback) holders.delete(identifier);
      if (identifier === current?.identifier) current.confirmed = true;
    }
  }
  return exchanges;
}

function isReceipt(type: number): boolean {
  return type === PacketType.puback || type === PacketType.pubrec;
}
