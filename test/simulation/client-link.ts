/**
 * The client's way to the network in a simulation at the client level: a virtual link, with everything that passes
 * shown to a witness, and cut off from a process that has died.
 */
import type { OpenTransport, Transport, TransportHandlers } from '@mqtt-kit/core';
import type { TransportEnd } from '@mqtt-kit/engine';
import {
  concatenate,
  type ModelBroker,
  type ModelConnection,
  type ServerStream,
  type VirtualConnection,
  VirtualLink,
  type VirtualLinkOptions,
} from '@mqtt-kit/testkit';

export interface LinkObserver {
  opened(): void;
  closed(by: TransportEnd): void;
  sent(bytes: Uint8Array): void;
  /** A chunk came, and with it the ends of these packets. */
  received(bytes: Uint8Array, packets: readonly Uint8Array[]): void;
  /** The client stops reading, or goes on. */
  paused(paused: boolean): void;
}

/** The life of the process to which a way to the network belongs. */
export interface LinkLife {
  readonly dead: boolean;
  readonly ended: AbortController;
}

/** What the server wrote on one connection, to know where packets end. */
interface Track {
  readonly server: ModelConnection;
  readonly packets: { readonly end: number; readonly bytes: Uint8Array }[];
  written: number;
  arrived: number;
}

export class ClientLink {
  readonly link: VirtualLink;
  /** What the broker has of the newest connection. */
  server: ModelConnection | undefined;
  readonly #observer: LinkObserver;
  #track: Track | undefined;

  constructor(broker: ModelBroker, options: VirtualLinkOptions, observer: LinkObserver) {
    this.#observer = observer;
    this.link = new VirtualLink(options);
    this.link.listen((stream) => this.#accept(broker, stream));
  }

  get current(): VirtualConnection | undefined {
    const connection = this.link.connections.at(-1);
    return connection !== undefined && connection.openEnds > 0 ? connection : undefined;
  }

  /** An `OpenTransport` for one life of the process. */
  openFor(life: LinkLife): OpenTransport {
    return async (target, handlers, signal) => {
      const observer = this.#observer;
      let closed = false;
      const noteClosed = (by: TransportEnd = 'ourselves'): void => {
        if (!closed && !life.dead) observer.closed(by);
        closed = true;
      };
      let track: Track | undefined;
      const watched: TransportHandlers = {
        onData: (chunk) => {
          if (life.dead || closed) return;
          track ??= this.#track;
          if (track !== undefined) observer.received(chunk, arrivedPackets(track, chunk.length));
          handlers.onData(chunk);
        },
        onDrain: () => {
          if (!life.dead) handlers.onDrain();
        },
        onClosed: (error) => {
          noteClosed(error === undefined ? 'server' : 'network');
          if (!life.dead) handlers.onClosed(error);
        },
      };
      const ended = AbortSignal.any([signal, life.ended.signal]);
      let transport: Transport;
      try {
        transport = await this.link.open(target, watched, ended);
      } catch (error) {
        // Nobody is left to hear of it.
        if (life.dead) return new Promise(() => {});
        throw error;
      }
      track = this.#track;
      if (life.dead) {
        transport.destroy();
        return new Promise(() => {});
      }
      observer.opened();
      return watchedTransport(transport, life, observer, noteClosed);
    };
  }

  #accept(broker: ModelBroker, stream: ServerStream): ModelConnection {
    const packets: Track['packets'] = [];
    const watched: ServerStream = {
      name: stream.name,
      write: (bytes) => {
        track.written += bytes.length;
        packets.push({ end: track.written, bytes });
        stream.write(bytes);
      },
      pause: () => stream.pause(),
      resume: () => stream.resume(),
      end: () => stream.end(),
      reset: () => stream.reset(),
    };
    const server = broker.accept(watched);
    const track: Track = { server, packets, written: 0, arrived: 0 };
    this.#track = track;
    this.server = server;
    return server;
  }
}

function watchedTransport(
  transport: Transport,
  life: { readonly dead: boolean },
  observer: LinkObserver,
  noteClosed: () => void,
): Transport {
  return {
    write: (chunks) => {
      if (life.dead) return true;
      const bytes = concatenate(chunks);
      observer.sent(bytes);
      return transport.write([bytes]);
    },
    pause: () => {
      if (!life.dead) observer.paused(true);
      transport.pause?.();
    },
    resume: () => {
      if (!life.dead) observer.paused(false);
      transport.resume?.();
    },
    close: () => {
      // What is on its way arrives, but the client has done with it.
      noteClosed();
      transport.close();
    },
    destroy: () => {
      noteClosed();
      transport.destroy();
    },
  };
}

function arrivedPackets(track: Track, length: number): Uint8Array[] {
  track.arrived += length;
  const packets: Uint8Array[] = [];
  while (track.packets[0] !== undefined && track.packets[0].end <= track.arrived) {
    packets.push((track.packets.shift() as { bytes: Uint8Array }).bytes);
  }
  return packets;
}
