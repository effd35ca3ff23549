/**
 * Enhanced authentication (5.0, 4.12) of one connection: whose turn it is.
 *
 *     CONNECT -> server's turn -AUTH 0x18-> application's turn -authenticate-> server's turn ... -CONNACK-> idle
 *     idle -authenticate: AUTH 0x19-> server's turn ... -AUTH 0x00-> idle
 *
 * The method is that of CONNECT all the time [MQTT-4.12.0-5]; without one there is no AUTH at all. What the data means
 * is between the application and the server. Other traffic goes on during a re-authentication.
 */
import { type AuthPacket, type ConnackPacket, PacketType, ReasonCode } from '@mqtt-kit/packet';
import { ProtocolBreach } from './breach.ts';
import type { ConnectRequest } from './request.ts';

export class EnhancedAuth {
  readonly method: string | undefined;
  #turn: 'idle' | 'server' | 'application';
  #connected = false;

  constructor(request: ConnectRequest) {
    this.method = request.properties.authenticationMethod;
    this.#turn = this.method === undefined ? 'idle' : 'server';
  }

  /** Whether the server owes a word. */
  get awaitsServer(): boolean {
    return this.#turn === 'server';
  }

  connackReceived(packet: ConnackPacket): void {
    const { authenticationMethod } = packet.properties;
    if (packet.reasonCode < 0x80 && authenticationMethod !== this.method) {
      throw new ProtocolBreach(
        ReasonCode.protocolError,
        `CONNACK has ${methodName(authenticationMethod)}, CONNECT had ${methodName(this.method)}`,
      );
    }
    this.#connected = true;
    this.#turn = 'idle';
  }

  /** Checks a received AUTH against the turn; the caller hands it to the application. */
  authReceived(packet: AuthPacket): void {
    const { authenticationMethod } = packet.properties;
    const problem = this.#problem(packet.reasonCode, authenticationMethod);
    if (problem !== undefined) throw new ProtocolBreach(ReasonCode.protocolError, problem);
    this.#turn = packet.reasonCode === ReasonCode.success ? 'idle' : 'application';
  }

  /**
   * The AUTH that goes out for `authenticate`: the answer to the server, or the start of a re-authentication.
   * @throws Error when neither is possible now.
   */
  authPacket(data: Uint8Array | undefined): AuthPacket {
    // [MQTT-4.12.0-7]
    if (this.method === undefined) {
      throw new Error('authenticate: CONNECT had no authenticationMethod, so there is no AUTH');
    }
    if (this.#turn === 'server') {
      throw new Error("authenticate: an authentication is under way and it is the server's turn");
    }
    const properties =
      data === undefined
        ? { authenticationMethod: this.method }
        : { authenticationMethod: this.method, authenticationData: data };
    // [MQTT-4.12.0-3] [MQTT-4.12.1-1]
    const reasonCode =
      this.#turn === 'application' ? ReasonCode.continueAuthentication : ReasonCode.reAuthenticate;
    return { type: PacketType.auth, reasonCode, properties };
  }

  authSent(): void {
    this.#turn = 'server';
  }

  #problem(reasonCode: number, method: string | undefined): string | undefined {
    if (this.method === undefined) return 'AUTH came although CONNECT had no Authentication Method';
    if (method !== this.method)
      return `AUTH has ${methodName(method)}, CONNECT had ${methodName(this.method)}`;
    if (this.#turn !== 'server') return 'AUTH came although the server had not been asked';
    if (reasonCode === ReasonCode.continueAuthentication) return undefined;
    // Before CONNACK it is CONNACK that says success.
    if (reasonCode === ReasonCode.success && this.#connected) return undefined;
    return `AUTH has reason code 0x${reasonCode.toString(16).padStart(2, '0')} out of turn`;
  }
}

function methodName(method: string | undefined): string {
  return method === undefined ? 'no Authentication Method' : `Authentication Method "${method}"`;
}
