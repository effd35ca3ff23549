/** Where an entry of the catalogue plays: a listening server that must see nothing of what was refused. */
import { once } from 'node:events';
import { connect as connectSocket } from 'node:net';
import { type ConnectOptions, connect, type MqttClient, MqttError, MqttUsageError } from 'mqtt-kit';
import { expect } from 'vitest';
import { RawServer } from '../conformance/support/raw-server.ts';

/** Parts of a message: the option or argument, what was given, what was expected. */
export type Says = readonly (string | RegExp)[];

/**
 * One entry of the catalogue: its number, its sentence, and the proof. The server of the stage must have seen nothing of
 * it; what is to reach a server has a stage of its own.
 */
export type Entry = readonly [number: number, sentence: string, prove: (stage: Stage) => unknown];

export class Stage implements AsyncDisposable {
  readonly server: RawServer;
  readonly version: '3.1.1' | '5.0';
  #client: MqttClient | undefined;

  private constructor(server: RawServer, version: '3.1.1' | '5.0') {
    this.server = server;
    this.version = version;
  }

  static async open(version: '3.1.1' | '5.0' = '5.0'): Promise<Stage> {
    const server = new RawServer(version);
    await server.listen();
    return new Stage(server, version);
  }

  get url(): string {
    return this.server.url;
  }

  /** `connect` with these options is a mistake of the caller. What the types forbid is given all the same. */
  async refusesOptions(options: unknown, ...says: Says): Promise<void> {
    await this.refusesToConnect(this.url, options, ...says);
  }

  async refusesToConnect(url: unknown, options: unknown, ...says: Says): Promise<void> {
    await this.failsToConnect(url, options, 'invalidArgument', ...says);
  }

  /** `connect` rejects, with another code than that of misuse. */
  async failsToConnect(
    url: unknown,
    options: unknown,
    code: string,
    ...says: Says
  ): Promise<MqttError> {
    const error = await rejection(() => connect(url as string, options as ConnectOptions));
    return checkError(error, code, says);
  }

  /** A call on a connected client is a mistake of the caller. */
  async refusesCall(call: (client: MqttClient) => unknown, ...says: Says): Promise<void> {
    await this.failsCall(call, 'invalidArgument', ...says);
  }

  async failsCall(
    call: (client: MqttClient) => unknown,
    code: string,
    ...says: Says
  ): Promise<MqttError> {
    const client = await this.client();
    const error = await rejection(() => call(client));
    return checkError(error, code, says);
  }

  /** The connected client of this stage. */
  async client(options: ConnectOptions = {}): Promise<MqttClient> {
    this.#client ??= await connect(this.url, { version: this.version, clientId: 'me', ...options });
    return this.#client;
  }

  /** Closes, and holds that the server saw no packet but CONNECT and DISCONNECT, or no connection where there was none. */
  async sawNothing(): Promise<void> {
    await this.#client?.close();
    const clients = this.#client === undefined ? 0 : 1;
    // Connections are accepted in order: when this one is there, none before it is on its way.
    const probe = connectSocket(this.server.port, '127.0.0.1');
    await once(probe, 'connect');
    await this.server.connection(clients + 1);
    probe.destroy();
    expect(this.server.connections).toHaveLength(clients + 1);
    const seen = this.server.connections.map((connection) =>
      connection.packets.map(({ type }) => type),
    );
    expect(seen).toEqual([...(clients === 1 ? [[1, 14]] : []), []]);
    for (const connection of this.server.connections) expect(connection.rest).toHaveLength(0);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#client?.close({ timeoutMs: 0 });
    await this.server.close();
  }
}

/** What a call threw or rejected with. */
export async function rejection(call: () => unknown): Promise<unknown> {
  try {
    await call();
  } catch (error) {
    return error;
  }
  throw new Error('expected an error, there was none');
}

export function checkError(error: unknown, code: string, says: Says): MqttError {
  expect(error).toBeInstanceOf(code === 'invalidArgument' ? MqttUsageError : MqttError);
  const { code: found, message } = error as MqttError;
  expect({ code: found, message }).toEqual({ code, message });
  for (const part of says) {
    if (typeof part === 'string') expect(message).toContain(part);
    else expect(message).toMatch(part);
  }
  // One line, at most as long as one that lists all options: it is shown to people.
  expect(message).not.toMatch(/\n|\[object /);
  expect(message.length).toBeLessThan(600);
  return error as MqttError;
}
