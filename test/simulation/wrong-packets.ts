/** Packets that no honest server sends at that moment, and that can do no harm to whoever meets them as it should. */
import type { Prng } from '@mqtt-kit/testkit';

/** What is open on a connection, as its witness knows it. */
export interface OpenExchanges {
  readonly sent: readonly { readonly packetIdentifier: number; readonly state: string }[];
  readonly requests: readonly { readonly packetIdentifier: number; readonly kind: string }[];
}

const packetTypes = { puback: 0x40, pubrec: 0x50, pubcomp: 0x70 } as const;

/** Which acknowledgements fit no message in each state. */
const wrongAcknowledgements: Readonly<Record<string, readonly (keyof typeof packetTypes)[]>> = {
  'QoS 1 sent': ['pubrec', 'pubcomp'],
  'QoS 2 sent': ['puback', 'pubcomp'],
  'PUBREL due': ['puback', 'pubrec'],
};

/** No client uses so high identifiers in so few steps. */
const unknown = 60_200;

/** A packet of its own for each draw. `undefined`: there is nothing to be wrong about. */
export function drawWrongPacket(
  prng: Prng,
  version: string,
  connected: boolean,
  open: OpenExchanges,
): Uint8Array | undefined {
  if (!connected) return prng.pick(earlyPackets(version));
  const kind = prng.integer(0, 4);
  if (kind % 2 === 0 && open.sent.length > 0) {
    const released = open.sent.filter(({ state }) => state === 'PUBREL due');
    const choice = released.length > 0 && prng.chance(0.5) ? released : open.sent;
    const { packetIdentifier, state } = prng.pick(choice);
    if (state === 'PUBREL due' && version === '5.0' && prng.chance(0.3)) {
      return refusal(packetIdentifier);
    }
    const wrong = wrongAcknowledgements[state];
    return wrong && acknowledgement(packetTypes[prng.pick(wrong)], packetIdentifier);
  }
  if (kind === 1 && open.requests.length > 0) {
    const { packetIdentifier, kind: asked } = prng.pick(open.requests);
    return asked === 'subscribe'
      ? unsuback(version, packetIdentifier)
      : suback(version, packetIdentifier);
  }
  return prng.pick(unaskedPackets(version));
}

function earlyPackets(version: string): readonly Uint8Array[] {
  return [
    Uint8Array.of(0x30, version === '5.0' ? 4 : 3, 0, 1, 0x61, 0).subarray(
      0,
      version === '5.0' ? 6 : 5,
    ),
    acknowledgement(0x40, unknown),
    acknowledgement(0x50, unknown),
    acknowledgement(0x62, unknown),
    acknowledgement(0x70, unknown),
    suback(version, unknown),
    unsuback(version, unknown),
    pingresp,
    ...(version === '5.0' ? [disconnect, auth] : []),
  ];
}

function unaskedPackets(version: string): readonly Uint8Array[] {
  return [
    version === '5.0' ? Uint8Array.of(0x20, 3, 0, 0, 0) : Uint8Array.of(0x20, 2, 0, 0),
    suback(version, unknown),
    unsuback(version, unknown),
    acknowledgement(0x70, unknown),
    pingresp,
    ...(version === '5.0' ? [auth] : []),
  ];
}

const pingresp = Uint8Array.of(0xd0, 0);
const disconnect = Uint8Array.of(0xe0, 1, 0x8b);
const auth = Uint8Array.of(0xf0, 0);

function acknowledgement(first: number, packetIdentifier: number): Uint8Array {
  return Uint8Array.of(first, 2, packetIdentifier >> 8, packetIdentifier & 255);
}

/** PUBREC with a refusal, of a message that another one took. */
function refusal(packetIdentifier: number): Uint8Array {
  return Uint8Array.of(0x50, 3, packetIdentifier >> 8, packetIdentifier & 255, 0x87);
}

function suback(version: string, packetIdentifier: number): Uint8Array {
  return answer(0x90, version === '5.0' ? [0, 0] : [0], packetIdentifier);
}

function unsuback(version: string, packetIdentifier: number): Uint8Array {
  return answer(0xb0, version === '5.0' ? [0, 0] : [], packetIdentifier);
}

function answer(first: number, rest: readonly number[], packetIdentifier: number): Uint8Array {
  return Uint8Array.of(
    first,
    2 + rest.length,
    packetIdentifier >> 8,
    packetIdentifier & 255,
    ...rest,
  );
}
