import type { ModelBrokerHooks, ModelConnectionPlan } from './model-broker.ts';
import type { ModelVersion } from './model-broker-packets.ts';

/** What both directions of one connection of the model broker have in common. */
export interface ModelLink {
  readonly hooks: ModelBrokerHooks;
  /** What the client was granted. */
  readonly plan: ModelConnectionPlan;
  readonly version: ModelVersion;
  /** Of this connection: later ones have higher numbers. */
  readonly number: number;
  readonly isConnected: boolean;
  write(bytes: Uint8Array): void;
  /** Sends an answer, in order, at once or when answers are asked for. */
  owe(send: () => void): void;
  /** Ends the connection in order. */
  leave(reasonCode: number): void;
}
