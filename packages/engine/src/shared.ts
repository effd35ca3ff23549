import type { Connection } from './connection.ts';
import type { EngineOptions } from './engine-options.ts';
import type { Output } from './output.ts';
import type { SessionState } from './session-state.ts';

/** What the parts of one engine have in common. */
export interface Shared {
  readonly options: EngineOptions;
  readonly session: SessionState;
  readonly output: Output;
  /** The current one, which may be over; `undefined` between connections. */
  connection: Connection | undefined;
}

/** Something came that shows the connection to be of use: told once for each connection. */
export function noteProgress(shared: Shared): void {
  const { connection } = shared;
  if (connection === undefined || connection.progressed) return;
  connection.progressed = true;
  shared.output.emit({ type: 'progress', connection: connection.number });
}
