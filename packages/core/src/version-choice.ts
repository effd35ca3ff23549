/**
 * Which protocol version is spoken, and what follows from it for this package. Nothing else in it asks for the
 * version; what holds for a connection is in `Negotiated`.
 */
import type { DisconnectReason } from '@mqtt-kit/engine';
import { type ProtocolVersion, ReasonCode } from '@mqtt-kit/packet';
import type { LinkEnd } from './driver.ts';
import { MqttError } from './errors.ts';

/** What differs between the versions before anything is negotiated. */
export interface VersionRules {
  /**
   * Clean Session of 3.1.1: sent with every connection as it was given, and a session that began clean ends with its
   * connection. Clean Start of 5.0 says nothing about the end.
   */
  readonly cleanSession: boolean;
  /** A password without a user name cannot be sent. [MQTT3-3.1.2-22] */
  readonly passwordNeedsUsername: boolean;
  /**
   * Messages of ours under way, where nobody sets a bound. Without a Receive Maximum no server says what it takes, and
   * mosquitto 2.0 confirms QoS 2 messages beyond its 20 as if it kept them, and drops them.
   */
  readonly inFlight: number;
}

const rules: Readonly<Record<ProtocolVersion, VersionRules>> = {
  '3.1.1': { cleanSession: true, passwordNeedsUsername: true, inFlight: 20 },
  '5.0': { cleanSession: false, passwordNeedsUsername: false, inFlight: 65_535 },
};

/** Why something of 5.0 cannot be used, as the end of a sentence; `undefined` where the version may still allow it. */
export function problemOf50(version: 'auto' | ProtocolVersion): string | undefined {
  return version === '3.1.1' ? "needs MQTT 5.0; version is '3.1.1'" : undefined;
}

export class VersionChoice {
  readonly #wanted: 'auto' | ProtocolVersion;
  #version: ProtocolVersion;
  /** What a server has taken: from then on there is no other. */
  #spoken: ProtocolVersion | undefined;
  #needs50: string | undefined;

  /**
   * `needs50` names an option that only 5.0 can honour; `stored` is the version of the session in the store, which no
   * other could resume.
   */
  constructor(
    wanted: 'auto' | ProtocolVersion,
    needs50: string | undefined,
    stored: ProtocolVersion | undefined,
  ) {
    this.#wanted = wanted;
    this.#needs50 = needs50;
    this.#spoken = wanted === 'auto' ? stored : wanted;
    this.#version = this.#spoken ?? '5.0';
  }

  /** The version of the current connection or attempt, or else of the one to come. */
  get version(): ProtocolVersion {
    return this.#version;
  }

  get rules(): VersionRules {
    return rules[this.#version];
  }

  /** Why something that only 5.0 has cannot be used, as the end of a sentence; `undefined` where it can. */
  get problemOf50(): string | undefined {
    if (this.#version !== '3.1.1') return undefined;
    return problemOf50(this.#wanted) ?? 'needs MQTT 5.0; the server speaks 3.1.1 only';
  }

  /** Something that only 5.0 has was accepted: from now on falling back would drop it without a word. */
  require50(name: string): void {
    this.#needs50 ??= name;
  }

  /** A server has taken the version. */
  taken(): void {
    this.#spoken = this.#version;
  }

  /** An attempt failed for good: what one server does not speak the next one may. */
  attemptFailed(): void {
    this.#version = this.#spoken ?? '5.0';
  }

  /**
   * Rule 12: a server that does not know 5.0 says so, or closes without a word. Then the attempt goes on with 3.1.1,
   * and the answer is true. Never after another code or a deadline, nor where something would be lost by it.
   */
  fallBack(reason: DisconnectReason, end: LinkEnd): boolean {
    if (this.#spoken !== undefined || this.#needs50 !== undefined || this.#version !== '5.0') {
      return false;
    }
    const unsupported =
      reason.kind === 'refused' &&
      reason.connack.reasonCode === ReasonCode.unsupportedProtocolVersion;
    const wordless =
      reason.kind === 'transportClosed' && reason.bytesReceived === 0 && closedByServer(end);
    if (unsupported || wordless) this.#version = '3.1.1';
    return unsupported || wordless;
  }
}

/** An error of ours is a deadline or a close, not the server's doing. */
function closedByServer({ wasOpened, error }: LinkEnd): boolean {
  return wasOpened && !(error instanceof MqttError && error.code !== 'connectionLost');
}
