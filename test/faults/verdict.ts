/** What became of the messages of a lane, from the logs of its processes and the traces of its wires. */
import { PacketType } from '@mqtt-kit/packet';
import { lostSessions, type Wires, wasDoubledByServer, wasLostByServer } from './blame.ts';
import type { WireEvent } from './wire-trace.ts';

export interface LaneRecord extends Wires {
  readonly publisherLog: string;
  readonly receiverLog: string;
  readonly qos: 1 | 2;
  /** With `transactional` a mark excuses nothing: by its own record the receiver handles no delivery twice. */
  readonly delivery: 'at-least-once' | 'transactional';
}

export interface Verdict {
  readonly accepted: number;
  readonly acknowledged: number;
  /** Accepted, never handled, and not lost by the server. */
  readonly lost: number;
  /**
   * QoS 2: handled again without being marked as redelivered, and not sent twice by the server. At any level: handled
   * again under the same name without that mark.
   */
  readonly doubled: number;
  /** Publishes whose promise, or whose `stored`, rejected. */
  readonly refused: number;
  /** Messages that were first sent, or first handled, behind one that came after them. */
  readonly misordered: number;
  /** Sessions that were gone although the server should have had them. */
  readonly sessionsLost: number;
  /** Handled again after a crash in the middle of handling, and marked so. */
  readonly redelivered: number;
  readonly lostByServer: number;
  readonly doubledByServer: number;
  /** What should not have happened, in words: at most a few. */
  readonly complaints: readonly string[];
}

interface PublisherStory {
  readonly accepted: Set<number>;
  readonly acknowledged: Set<number>;
  readonly refused: readonly string[];
  readonly other: readonly string[];
}

/** One pass over a publisher's log. */
export function readPublisherLog(log: string): PublisherStory {
  const accepted = new Set<number>();
  const acknowledged = new Set<number>();
  const refused: string[] = [];
  const other: string[] = [];
  for (const line of wholeLines(log)) {
    if (line.startsWith('a ')) accepted.add(Number(line.slice(2)));
    else if (line.startsWith('k ')) acknowledged.add(Number(line.slice(2)));
    else if (line.startsWith('r ')) refused.push(line);
    else if (!line.startsWith('t ') && line !== 'l') other.push(line);
  }
  return { accepted, acknowledged, refused, other };
}

interface Handling {
  readonly number: number;
  readonly redelivered: boolean;
  /** The delivery as the client names it; empty without. */
  readonly delivery: string;
}

/** What a receiver handled, in order, and what else it said. */
export function readReceiverLog(log: string): {
  readonly handled: readonly Handling[];
  readonly other: readonly string[];
} {
  const handled: Handling[] = [];
  const other: string[] = [];
  for (const line of wholeLines(log)) {
    const [word, number, redelivered, delivery = ''] = line.split(' ');
    if (word === 'h') {
      handled.push({ number: Number(number), redelivered: redelivered === '1', delivery });
    } else if (word !== 's' && word !== 't' && word !== 'l') other.push(line);
  }
  return { handled, other };
}

/** Judges a lane when nothing comes any more. */
export function judge(record: LaneRecord): Verdict {
  const publisher = readPublisherLog(record.publisherLog);
  const receiver = readReceiverLog(record.receiverLog);
  const complaints = [...publisher.refused, ...publisher.other, ...receiver.other].slice(0, 5);
  const times = new Set<number>();
  const deliveries = new Set<string>();
  const repeats: number[] = [];
  const doubles: number[] = [];
  let redelivered = 0;
  for (const one of receiver.handled) {
    const isRepeat = one.delivery !== '' && deliveries.has(one.delivery);
    const isExcused = one.redelivered && record.delivery === 'at-least-once';
    deliveries.add(one.delivery);
    if (isRepeat && !isExcused) repeats.push(one.number);
    else if (times.has(one.number)) {
      if (isExcused) redelivered += 1;
      else doubles.push(one.number);
    }
    times.add(one.number);
  }
  const missing = [...publisher.accepted].filter((number) => !times.has(number));
  const lost = missing.filter((number) => !wasLostByServer(number, record));
  // At QoS 1 a message may come again: that is what the level means.
  const again = record.qos === 1 ? [] : doubles.filter((n) => !wasDoubledByServer(n, record));
  const doubled = [...repeats, ...again];
  const gone = [record.publisherTrace, record.receiverTrace].flatMap((trace) =>
    lostSessions(trace, record),
  );
  const order = disorder(record, receiver.handled);
  complaints.push(...gone.slice(0, 2));
  if (lost.length > 0) complaints.push(`lost: ${lost.slice(0, 10)}`);
  if (doubled.length > 0) complaints.push(`doubled: ${doubled.slice(0, 10)}`);
  for (const example of [...lost, ...doubled].slice(0, 2)) complaints.push(story(example, record));
  if (order.length > 0) complaints.push(`out of order: ${order.slice(0, 5).join('; ')}`);
  return {
    accepted: publisher.accepted.size,
    acknowledged: publisher.acknowledged.size,
    lost: lost.length,
    doubled: doubled.length,
    refused: publisher.refused.length,
    misordered: order.length,
    sessionsLost: gone.length,
    redelivered,
    lostByServer: missing.length - lost.length,
    doubledByServer: record.qos === 1 ? 0 : doubles.length - again.length,
    complaints,
  };
}

/** First sendings have to rise, and no message is handled before one whose last sending came before its first. */
function disorder(record: LaneRecord, handled: readonly Handling[]): string[] {
  const found: string[] = [];
  const sent = firstPublishes(record.publisherTrace, false);
  for (let index = 1; index < sent.length; index++) {
    if (sent[index]! < sent[index - 1]!)
      found.push(`sent ${sent[index - 1]} before ${sent[index]}`);
  }
  const firstPlace = new Map<number, number>();
  const lastPlace = new Map<number, number>();
  record.receiverTrace.forEach(({ type, fromServer, number }, place) => {
    if (type !== PacketType.publish || !fromServer) return;
    if (!firstPlace.has(number)) firstPlace.set(number, place);
    lastPlace.set(number, place);
  });
  const order = [...new Set(handled.map((one) => one.number))];
  for (let index = 1; index < order.length; index++) {
    const [before, after] = [order[index - 1]!, order[index]!];
    if (lastPlace.get(after)! < firstPlace.get(before)!) {
      found.push(`handled ${before} before ${after}`);
    }
  }
  return found;
}

function firstPublishes(events: readonly WireEvent[], fromServer: boolean): readonly number[] {
  const numbers = new Set<number>();
  for (const event of events) {
    if (event.type === PacketType.publish && event.fromServer === fromServer) {
      numbers.add(event.number);
    }
  }
  return [...numbers];
}

/** All that the wires saw of one message, for people. */
function story(number: number, record: LaneRecord): string {
  const tell = (name: string, events: readonly WireEvent[], senderIsServer: boolean): string => {
    const identifiers = new Set<number>();
    for (const event of events) {
      if (event.number === number && event.fromServer === senderIsServer) {
        identifiers.add(event.identifier);
      }
    }
    const told = events
      .filter((event) => event.type <= PacketType.pubcomp && identifiers.has(event.identifier))
      .filter((event) => event.number === number || event.type > PacketType.publish)
      .map(
        ({ connection, fromServer, type, identifier }) =>
          `#${connection}${fromServer ? '<' : '>'}${type}/${identifier}`,
      );
    return `${name} ${told.slice(0, 60).join(' ')}`;
  };
  return `message ${number}: ${tell('publisher', record.publisherTrace, false)} | ${tell('receiver', record.receiverTrace, true)}`;
}

/** A process that is killed may leave half a line. */
function wholeLines(log: string): readonly string[] {
  return log
    .slice(0, log.lastIndexOf('\n') + 1)
    .split('\n')
    .slice(0, -1);
}
