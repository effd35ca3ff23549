/**
 * The first packets of a connection, sent before the client is loaded. Loading it and all that it can do takes longer
 * than everything else that one message needs; in a plain run (plain-run.ts) against a server that has nothing to say
 * but yes there is nothing for it to decide.
 *
 * Everything else is the client's: whatever was not foreseen, a refusal, an error, a limit of the server, or an answer
 * that takes its time, ends the exchange, and the client goes on from there (begun-connection.ts). What is sent here is
 * therefore what the client sends, byte by byte.
 */
import { connect, type Socket } from 'node:net';
import {
  ClientPacketDecoder,
  ClientPacketEncoder,
  type ConnackPacket,
  noProperties,
  type Packet,
  PacketType,
} from '@mqtt-kit/packet';
import type { BegunConnection, ReceivedBytes } from './begun-connection.ts';
import type { PlainServer } from './plain-run.ts';
import { endingSignals } from './signals.ts';

/** `'last'` is what the run has waited for, `undefined` something that was not foreseen. */
type Verdict = 'more' | 'last' | undefined;

/** What the run says, and what it expects to hear. */
export interface PlainExchange {
  /** Leaves together with CONNECT. */
  readonly first: Packet | undefined;
  /** What follows when the server has accepted the connection. */
  readonly second: Packet | undefined;
  /** Whether there is an answer to wait for. A message of QoS 0 has none. */
  readonly waits: boolean;
  /** Takes what comes after CONNACK. */
  take(packet: Packet): Verdict;
  /** Called when the server has closed the connection after the last packet; ends the process. */
  done(): void;
  /** Whether what still comes after the last packet is of no interest. */
  readonly isDeafAtEnd: boolean;
}

/** A server that has not answered by then takes its time: the client can be loaded meanwhile. */
const patienceMs = 100;

/** As long as the client waits for a server to close its side. */
const closeGraceMs = 1000;

const maximumPacketSize = 16 * 1024 * 1024;

/** Resolves when the client is needed, with what was begun. */
export function exchangePlainly(
  server: PlainServer,
  exchange: PlainExchange,
): Promise<BegunConnection> {
  return new Promise((settle) => {
    new PlainConnection(server, exchange, settle).begin();
  });
}

class PlainConnection implements BegunConnection {
  readonly clientId = randomClientId();
  readonly socket: Socket;
  readonly received: ReceivedBytes[] = [];
  lost: { readonly error: Error | undefined } | undefined;
  onReceived: () => void = () => {};
  readonly #exchange: PlainExchange;
  readonly #settle: (begun: BegunConnection) => void;
  readonly #encoder = new ClientPacketEncoder('5.0');
  readonly #decoder = new ClientPacketDecoder('5.0', maximumPacketSize);
  readonly #sent: Uint8Array[] = [];
  #sentBytes = 0;
  #phase: 'opening' | 'accepted' | 'closing' | 'left' = 'opening';
  #patience: NodeJS.Timeout | undefined;
  /** CONNACK came, and what follows it was not sent yet. */
  #secondIsDue = false;
  readonly #signals: NodeJS.Signals[] = [];

  constructor(
    { host, port }: PlainServer,
    exchange: PlainExchange,
    settle: (begun: BegunConnection) => void,
  ) {
    this.#exchange = exchange;
    this.#settle = settle;
    // As transport-tcp does.
    this.socket = connect({
      host,
      port,
      autoSelectFamily: true,
      autoSelectFamilyAttemptTimeout: 1000,
    });
    this.socket.setNoDelay(true);
  }

  get sent(): Uint8Array {
    return Buffer.concat(this.#sent);
  }

  begin(): void {
    const { socket } = this;
    const { first } = this.#exchange;
    this.#encoder.encode(connectPacket(this.clientId));
    if (first !== undefined) this.#encoder.encode(first);
    socket.on('connect', this.#onConnect);
    socket.on('data', this.#onData);
    socket.on('end', this.#onEnd);
    socket.on('error', this.#onLost);
    socket.on('close', () => this.#onLost());
    this.#patience = setTimeout(() => this.#leave(), patienceMs);
    for (const signal of endingSignals) process.on(signal, this.#onSignal);
  }

  handOverSignals(): void {
    for (const signal of endingSignals) process.off(signal, this.#onSignal);
    for (const signal of this.#signals.splice(0)) process.emit(signal);
  }

  readonly #onSignal = (signal: NodeJS.Signals): void => {
    // Everything was said and heard: the client would say and print it again.
    if (this.#phase === 'closing') {
      this.#exchange.done();
      return;
    }
    this.#signals.push(signal);
    this.#leave();
  };

  readonly #onConnect = (): void => this.#send();

  readonly #onData = (chunk: Buffer): void => {
    this.received.push({
      chunk: new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength),
      sentBefore: this.#sentBytes,
    });
    if (this.#phase === 'left') this.onReceived();
    else if (this.#phase !== 'closing') this.#take(chunk);
    else if (!this.#exchange.isDeafAtEnd) this.#leave();
  };

  /** Both sides have said all: that the server closes is the last that was waited for. */
  readonly #onEnd = (): void => {
    if (this.#phase === 'closing') this.#exchange.done();
    this.#onLost();
  };

  readonly #onLost = (error?: Error): void => {
    this.lost ??= { error };
    if (this.#phase === 'closing') this.#exchange.done();
    else this.#leave();
  };

  #take(chunk: Uint8Array): void {
    try {
      this.#decoder.push(chunk);
      let verdict: Verdict = 'more';
      for (;;) {
        const packet = this.#decoder.next();
        if (packet === undefined) break;
        // After the last packet nothing was foreseen, nor behind CONNACK before we have answered it.
        verdict = verdict === 'last' || this.#secondIsDue ? undefined : this.#follow(packet);
        if (verdict === undefined || (verdict === 'last' && this.#exchange.isDeafAtEnd)) break;
      }
      if (verdict !== undefined) this.#sendSecond();
      if (verdict === undefined) this.#leave();
      else if (verdict === 'last') this.#close();
    } catch {
      this.#leave();
    }
  }

  #follow(packet: Packet): Verdict {
    if (this.#phase === 'opening') {
      if (packet.type !== PacketType.connack || !isPlainYes(packet)) return undefined;
      this.#phase = 'accepted';
      this.#secondIsDue = this.#exchange.second !== undefined;
      return this.#exchange.waits ? 'more' : 'last';
    }
    return this.#exchange.take(packet);
  }

  #sendSecond(): void {
    const { second } = this.#exchange;
    if (!this.#secondIsDue || second === undefined) return;
    this.#secondIsDue = false;
    this.#encoder.encode(second);
    this.#send();
  }

  #close(): void {
    this.#phase = 'closing';
    clearTimeout(this.#patience);
    this.#encoder.encode({ type: PacketType.disconnect, reasonCode: 0, properties: noProperties });
    this.#send();
    this.socket.end();
    this.#patience = setTimeout(() => this.#exchange.done(), closeGraceMs);
  }

  #leave(): void {
    if (this.#phase === 'left') return;
    this.#phase = 'left';
    clearTimeout(this.#patience);
    this.#settle(this);
  }

  /** One write for all that was encoded. */
  #send(): void {
    for (const chunk of this.#encoder.take()) {
      this.#sent.push(chunk);
      this.#sentBytes += chunk.length;
      this.socket.write(chunk);
    }
  }
}

/** What the client says when it is told nothing else. A test holds the two together. */
function connectPacket(clientId: string): Packet {
  return {
    type: PacketType.connect,
    version: '5.0',
    clientId,
    cleanStart: true,
    keepAliveSeconds: 60,
    username: undefined,
    password: undefined,
    will: undefined,
    properties: { receiveMaximum: 1000, maximumPacketSize, topicAliasMaximum: 16 },
  };
}

/** Accepted, with nothing that a short run would have to heed. */
function isPlainYes({ sessionPresent, reasonCode, properties }: ConnackPacket): boolean {
  const {
    maximumQos,
    retainAvailable = 1,
    wildcardSubscriptionAvailable = 1,
    maximumPacketSize: largest = maximumPacketSize,
    assignedClientIdentifier,
    authenticationMethod,
  } = properties;
  return (
    !sessionPresent &&
    reasonCode === 0 &&
    maximumQos === undefined &&
    retainAvailable === 1 &&
    wildcardSubscriptionAvailable === 1 &&
    largest >= 65_536 &&
    assignedClientIdentifier === undefined &&
    authenticationMethod === undefined
  );
}

const digits = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** As the client makes them. [MQTT3-3.1.3-5] */
function randomClientId(): string {
  let clientId = 'mqtt';
  for (let index = 0; index < 17; index += 1) {
    clientId += digits[Math.floor(Math.random() * digits.length)];
  }
  return clientId;
}
