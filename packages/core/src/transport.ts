/** What the core asks of a transport: one ordered byte stream, in both directions. A new transport is one package. */

/** TLS settings of every transport that has TLS in its own hands (not a browser's). PEM texts or their bytes. */
export interface TlsOptions {
  /** Certificate authorities to trust in place of the system's. */
  readonly ca?: string | Uint8Array | readonly (string | Uint8Array)[];
  /** Client certificate chain; needs `key`. */
  readonly cert?: string | Uint8Array;
  readonly key?: string | Uint8Array;
  /** Opens an encrypted `key`. */
  readonly passphrase?: string;
  /** Server name for SNI and verification; the URL's host unless given. */
  readonly servername?: string;
  readonly alpnProtocols?: readonly string[];
  /** `false` takes any certificate: everybody on the way can read and change everything. Default true. */
  readonly rejectUnauthorized?: boolean;
  /** Default `TLSv1.2`. */
  readonly minVersion?: 'TLSv1.2' | 'TLSv1.3';
}

/** Settings of WebSocket transports. */
export interface WebSocketOptions {
  /** HTTP headers of the upgrade request; impossible in a browser. */
  readonly headers?: Readonly<Record<string, string>>;
  /** Subprotocols to offer. Default `['mqtt']`; the server must select one of them. */
  readonly protocols?: readonly string[];
}

/** Where to connect to: a parsed connection URL and the options that concern the transport. */
export interface TransportTarget {
  /** `mqtt`, `mqtts`, `mqtt+unix`, `ws`, `wss`. */
  readonly scheme: string;
  /** Without brackets; `''` for a Unix socket. */
  readonly hostname: string;
  readonly port: number;
  /** Path and query for WebSocket; the file for a Unix socket. */
  readonly path: string;
  readonly tls: TlsOptions | undefined;
  readonly webSocket: WebSocketOptions | undefined;
  /** Largest packet of ours to come: a bound for what a transport needs to buffer. */
  readonly maximumPacketSize: number;
}

/** What a transport reports. It calls none of them from within `write`, `pause`, `resume`, `close` or `destroy`, if it can. */
export interface TransportHandlers {
  /** Bytes received, in order. They are not changed afterwards. */
  onData(chunk: Uint8Array): void;
  /**
   * Asked after `onData` by transports that choose what they read into: memory for the next bytes, where a large packet
   * is under way. What is read to its start, once, and handed on as a view of it is not copied any more.
   */
  space?(): Uint8Array | undefined;
  /** After a `write` that returned false: more may be written. */
  onDrain(): void;
  /** Once, whoever closed: no other handler is called afterwards. An error says why where that is known. */
  onClosed(error?: Error): void;
}

/** An open byte stream. */
export interface Transport {
  /** Sends in order; the chunks are not changed afterwards, and the transport must not change them. False: wait for `onDrain` before the next. */
  write(chunks: readonly Uint8Array[]): boolean;
  /** Stops and restarts `onData`, where the platform can. */
  pause?(): void;
  resume?(): void;
  /**
   * Closes after what was written has left, and reads on until the server has closed, or for a while: what still comes
   * goes to `onData`, paused or not, where the platform hands it out.
   */
  close(): void;
  /** Closes at once. */
  destroy(): void;
}

/**
 * Opens a stream: resolves when bytes can be written, rejects with an `MqttError` that names host, port and the next
 * thing to check (`hostNotFound`, `connectionRefused`, `tlsFailed`, `webSocketFailed`). Aborting `signal` ends the
 * attempt, frees everything and rejects with the signal's reason.
 */
export type OpenTransport = (
  target: TransportTarget,
  handlers: TransportHandlers,
  signal: AbortSignal,
) => Promise<Transport>;
