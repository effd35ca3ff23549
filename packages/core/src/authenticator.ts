/** Enhanced authentication (5.0, 4.12): the application's answers to the server's challenges, and re-authentication. */
import type { EngineEvent } from '@mqtt-kit/engine';
import { ReasonCode } from '@mqtt-kit/packet';
import type { Driver } from './driver.ts';
import { asError, MqttError, MqttUsageError } from './errors.ts';
import type { AuthenticationOptions, ConnectAttempt } from './options.ts';

type AuthenticationEvent = Extract<EngineEvent, { type: 'authentication' }>;

export class Authenticator {
  readonly #driver: Driver;
  readonly #options: AuthenticationOptions | undefined;
  /** Grows with each connection: an answer for an earlier one comes too late. */
  #connection = 0;
  #underWay:
    | { readonly resolve: () => void; readonly reject: (error: MqttError) => void }
    | undefined;

  constructor(driver: Driver, options: AuthenticationOptions | undefined) {
    this.#driver = driver;
    this.#options = options;
  }

  onEvent({ reasonCode, data }: AuthenticationEvent): void {
    if (reasonCode === ReasonCode.success) {
      this.#underWay?.resolve();
      this.#underWay = undefined;
      return;
    }
    this.#send('authentication.respond', () => this.#options?.respond(data));
  }

  /** Resolves when the server has accepted it. */
  reauthenticate(attempt: ConnectAttempt): Promise<void> {
    const options = this.#options;
    if (options === undefined) {
      return Promise.reject(
        new MqttUsageError('reauthenticate() needs the option authentication of connect'),
      );
    }
    if (this.#underWay !== undefined) {
      return Promise.reject(new MqttUsageError('a re-authentication is under way already'));
    }
    return new Promise((resolve, reject) => {
      this.#underWay = { resolve, reject };
      this.#send('authentication.start', () => options.start?.(attempt));
    });
  }

  /** The connection is over. */
  onDisconnected(error: MqttError): void {
    this.#connection += 1;
    this.#underWay?.reject(error);
    this.#underWay = undefined;
  }

  #send(name: string, ask: () => Uint8Array | undefined | Promise<Uint8Array | undefined>): void {
    const connection = this.#connection;
    Promise.resolve()
      .then(ask)
      .then((data) => {
        if (connection !== this.#connection) return;
        if (data !== undefined && !(data instanceof Uint8Array)) {
          throw new MqttUsageError(`it must give a Uint8Array or undefined; got a ${typeof data}`);
        }
        this.#driver.authenticate(data);
      })
      .catch((thrown) => {
        if (connection !== this.#connection) return;
        const cause = asError(thrown);
        // Half an authentication is none: the connection cannot be used.
        this.#driver.abort(
          new MqttError('notAuthorized', `${name} failed: ${cause.message}`, { cause }),
        );
      });
  }
}
