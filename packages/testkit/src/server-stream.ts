/** The server's end of one connection, whatever carries it: the virtual link or a socket. */
export interface ServerStream {
  /** A name for messages about failures. */
  readonly name: string;
  /** Sends in order. Nothing is sent once the stream is closed. */
  write(chunk: Uint8Array): void;
  /** Stops and restarts `onData`, so that the client's writing stalls. */
  pause(): void;
  resume(): void;
  /** Closes in order, after what was written has left. */
  end(): void;
  /** Closes at once, with a reset; what has not arrived is lost. */
  reset(): void;
}

/** How a connection ended, as the server's end saw it. */
export type ServerStreamEnd = 'ended' | 'reset';

export interface ServerStreamHandlers {
  onData(chunk: Uint8Array): void;
  /** Once, whoever closed. */
  onClosed(end: ServerStreamEnd): void;
}

/** Takes a new connection over. */
export type ServerStreamListener = (stream: ServerStream) => ServerStreamHandlers;
