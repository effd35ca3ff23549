import { reasonCodeName } from '@mqtt-kit/packet';
import type { ConnectionPlan } from './connection-options.ts';
import type { Diagnostics } from './diagnostics.ts';
import { endByError } from './mosquitto-ends.ts';
import type { MosquittoName } from './parse-arguments.ts';
import type { SubscribeEnd } from './subscribe-program.ts';

/** How mosquitto_sub and mosquitto_rr end. */
export function subscribeEnd(
  reason: SubscribeEnd,
  name: MosquittoName,
  connection: ConnectionPlan,
  everConnected: boolean,
  diagnostics: Diagnostics,
): number {
  switch (reason.kind) {
    case 'timeLimit':
      diagnostics.exactly('Timed out\n');
      return everConnected ? 27 : 255;
    case 'refused':
      if (reason.error.code !== 'subscribeRefused') break;
      diagnostics.exactly(
        name === 'mosquitto_rr'
          ? `${reasonCodeName(reason.error.reasonCode ?? 0x80)}\n`
          : 'All subscription requests were denied.\n',
      );
      return 0;
    case 'givenUp':
      // The server ended it with a reason: that is an end like others.
      if (everConnected && reason.error.reasonCode !== undefined) return 0;
      break;
    default:
      return 0;
  }
  const end = endByError(reason.error, name, connection.options.version === '5.0');
  diagnostics.exactly(end.text);
  return end.code;
}
