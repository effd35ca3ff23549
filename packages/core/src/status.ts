import type { MqttError } from './errors.ts';

/** Where the client stands. */
export type Status =
  | {
      readonly state: 'connecting';
      /** 1 for the first attempt. */
      readonly attempt: number;
      readonly server: string;
    }
  | {
      readonly state: 'connected';
      readonly sessionPresent: boolean;
      readonly server: string;
      readonly version: '3.1.1' | '5.0';
    }
  | {
      readonly state: 'reconnecting';
      /** Number of the attempt to come, from 1 after each loss. */
      readonly attempt: number;
      readonly delayMs: number;
      /** Why the connection, or the attempt before, ended. */
      readonly reason: MqttError;
    }
  | {
      readonly state: 'closed';
      /** `undefined` after `close()`. */
      readonly reason: MqttError | undefined;
    };
