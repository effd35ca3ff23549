import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { endByError, reasonText } from './mosquitto-ends.ts';
import type { MosquittoName } from './mosquitto-name.ts';
import type { SubscribeEnd } from './subscribe-end.ts';

/** How mosquitto_sub and mosquitto_rr end. */
export function subscribeEnd(
  reason: SubscribeEnd,
  name: MosquittoName,
  { wire }: ConnectionPlan,
  diagnostics: Diagnostics,
): number {
  // Before the server has answered, mosquitto_sub is ended without a word.
  const early = name === 'mosquitto_sub' && wire?.isAnswered === false;
  if (early && (reason.kind === 'timeLimit' || reason.kind === 'signal')) return 255;
  if (reason.kind === 'timeLimit') {
    diagnostics.exactly('Timed out\n');
    return 27;
  }
  if (reason.kind === 'refused' && reason.error.code === 'subscribeRefused') {
    diagnostics.exactly(
      name === 'mosquitto_rr'
        ? `${reasonText(wire?.granted ?? 0x80)}\n`
        : 'All subscription requests were denied.\n',
    );
    return 0;
  }
  if (reason.kind !== 'refused' && reason.kind !== 'givenUp') return 0;
  const end = wire?.fault ?? endByError(reason.error);
  diagnostics.exactly(end.text);
  return end.code;
}
