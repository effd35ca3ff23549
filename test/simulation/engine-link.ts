/** One connection at the engine level: bytes on their way in both directions, and what the faults do to them. */
import type { ModelBroker, ModelConnection, ServerStream } from '@mqtt-kit/testkit';

export class EngineLink implements ServerStream {
  readonly name: string;
  readonly server: ModelConnection;
  /** Nothing arrives any more in this direction, and nobody is told. */
  silentToServer = false;
  silentToClient = false;
  /** The server has stopped reading. */
  stalled = false;
  /** The client has written all it will; the server has. */
  clientEnded = false;
  serverEnded = false;
  /** Reset: nothing on its way arrives. */
  dead = false;
  readonly #toServer: Uint8Array[] = [];
  readonly #toClient: Uint8Array[] = [];
  /** Packets of the server that have not come whole, with the offsets of their ends. */
  readonly #packets: { readonly end: number; readonly bytes: Uint8Array }[] = [];
  #written = 0;
  #delivered = 0;
  bytesToServer = 0;
  #serverKnowsEnd = false;

  constructor(broker: ModelBroker, name: string) {
    this.name = name;
    this.server = broker.accept(this);
  }

  get hasForServer(): boolean {
    if (this.dead || this.silentToServer || this.stalled) return false;
    return this.#toServer.length > 0 || (this.clientEnded && !this.#serverKnowsEnd);
  }

  get hasForClient(): boolean {
    if (this.dead) return true;
    if (this.silentToClient) return false;
    return this.#toClient.length > 0 || this.serverEnded;
  }

  write(chunk: Uint8Array): void {
    if (this.dead || this.serverEnded) return;
    this.#toClient.push(chunk);
    this.#written += chunk.length;
    this.#packets.push({ end: this.#written, bytes: chunk });
  }

  pause(): void {
    this.stalled = true;
  }

  resume(): void {
    this.stalled = false;
  }

  end(): void {
    this.serverEnded = true;
  }

  reset(): void {
    if (this.dead) return;
    this.dead = true;
    this.#toClient.length = 0;
    this.#toServer.length = 0;
    this.server.onClosed();
  }

  /** The client writes. */
  send(bytes: Uint8Array): void {
    if (this.dead || this.clientEnded) return;
    this.#toServer.push(bytes);
    this.bytesToServer += bytes.length;
  }

  /** The next bytes for the server arrive, at most so many. */
  deliverToServer(most: number): void {
    const chunk = takeBytes(this.#toServer, most);
    if (chunk !== undefined) {
      this.bytesToServer -= chunk.length;
      this.server.onData(chunk);
    } else if (this.clientEnded && !this.#serverKnowsEnd) {
      this.#serverKnowsEnd = true;
      this.serverEnded = true;
      this.server.onClosed();
    }
  }

  /** The next bytes for the client, at most so many; `undefined` for the end of the stream. */
  takeForClient(most: number): { bytes: Uint8Array; packets: Uint8Array[] } | undefined {
    const bytes = takeBytes(this.#toClient, most);
    if (bytes === undefined) return undefined;
    this.#delivered += bytes.length;
    const packets: Uint8Array[] = [];
    while (this.#packets[0] !== undefined && this.#packets[0].end <= this.#delivered) {
      packets.push((this.#packets.shift() as { bytes: Uint8Array }).bytes);
    }
    return { bytes, packets };
  }
}

function takeBytes(chunks: Uint8Array[], most: number): Uint8Array | undefined {
  const first = chunks[0];
  if (first === undefined) return undefined;
  if (first.length <= most) {
    chunks.shift();
    return first;
  }
  chunks[0] = first.subarray(most);
  return first.subarray(0, most);
}
