import type { QueueLimits, Will } from '@mqtt-kit/engine';
import type { Properties } from '@mqtt-kit/packet';
import type { BacklogBounds } from './backlog.ts';
import type { ConnectionUrl } from './connection-url.ts';
import type {
  AuthenticationOptions,
  ConnectAttempt,
  ConnectOptions,
  WillOptions,
} from './options.ts';
import type { ReconnectSettings } from './reconnect.ts';
import type { SessionStore } from './session-store.ts';
import type { TlsOptions, WebSocketOptions } from './transport.ts';

/** The options of `connect` as they hold: checked, with all defaults. */
export interface ConnectSettings {
  readonly urls: readonly [ConnectionUrl, ...ConnectionUrl[]];
  readonly redirects: 'report' | 'follow';
  readonly version: 'auto' | '5.0' | '3.1.1';
  /** An option that only 5.0 can honour: falling back to 3.1.1 would drop it without a word. */
  readonly needs50: string | undefined;
  /** `undefined`: one is to be made up. */
  readonly clientId: string | undefined;
  readonly cleanStart: boolean;
  readonly sessionExpirySeconds: number;
  /** Whether the server may keep a session beyond a connection. */
  readonly sessionKept: boolean;
  readonly keepAliveSeconds: number;
  readonly connectTimeoutMs: number;
  readonly username: string | undefined;
  readonly password: Uint8Array | undefined;
  readonly credentials: ConnectOptions['credentials'];
  readonly authentication: AuthenticationOptions | undefined;
  readonly will: Will | undefined;
  /** Asked at each attempt, in place of `will`. */
  readonly willFor:
    | ((attempt: ConnectAttempt) => WillOptions | undefined | Promise<WillOptions | undefined>)
    | undefined;
  readonly tls: TlsOptions | undefined;
  readonly webSocket: WebSocketOptions | undefined;
  /** `undefined`: no reconnection. */
  readonly reconnect: ReconnectSettings | undefined;
  readonly queue: Omit<QueueLimits, 'inFlight'>;
  /** `undefined`: what the version allows. */
  readonly inFlight: number | undefined;
  /** Callers are held back while the queue is full. */
  readonly waitForRoom: boolean;
  readonly inbox: BacklogBounds;
  readonly store: SessionStore | undefined;
  readonly onStoreFailure: 'stop' | 'rebuild';
  readonly foreignSession: 'reset' | 'adopt' | 'error';
  readonly lostSession: 'resend' | 'reject';
  readonly waitForConnection: boolean;
  readonly signal: AbortSignal | undefined;
  readonly topicAliases: boolean;
  readonly subscriptionIdentifiers: boolean;
  readonly trace: boolean;
  readonly maximumPacketSize: number;
  /** CONNECT properties that are the same at each attempt, without those of authentication. */
  readonly properties: Properties;
}
