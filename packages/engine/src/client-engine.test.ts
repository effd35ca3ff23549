import { describe, expect, it } from 'vitest';
import { EngineHarness } from '../../testkit/src/engine-harness.ts';
import {
  connack,
  pingresp,
  puback,
  pubcomp,
  publish,
  pubrec,
  pubrel,
  suback,
  unsuback,
} from '../../testkit/src/packet-builders.ts';

describe.each(['5.0', '3.1.1'] as const)('smoke, %s', (version) => {
  it('works', () => {
    const h = new EngineHarness({ version });
    h.open();
    expect(h.takeSentShort()).toEqual(['connect']);
    h.server(connack());
    expect(h.publish('a')).toBe(0);
    h.publish('b', { qos: 1 });
    h.publish('c', { qos: 2 });
    expect(h.takeSentShort()).toEqual(['publish a', 'publish 1', 'publish 2']);
    h.server(puback(1), pubrec(2));
    expect(h.takeSentShort()).toEqual(['pubrel 2']);
    h.server(pubcomp(2));
    h.subscribe(['x/+']);
    h.unsubscribe(['x/+']);
    expect(h.takeSentShort()).toEqual(['subscribe 3', 'unsubscribe 4']);
    h.server(suback(3, [0]), unsuback(4, version === '5.0' ? [0] : []));
    h.server(
      publish('in', 'x'),
      publish('in', 'x', { qos: 1, packetIdentifier: 9 }),
      publish('in', 'x', { qos: 2, packetIdentifier: 10 }),
    );
    h.acknowledge(1);
    h.acknowledge(2);
    expect(h.takeSentShort()).toEqual(['puback 9', 'pubrec 10']);
    h.server(pubrel(10));
    expect(h.takeSentShort()).toEqual(['pubcomp 10']);
    h.advance(60000);
    expect(h.takeSentShort()).toEqual(['pingreq']);
    h.advance(10000);
    h.server(pingresp());
    h.advance(100000);
    expect(h.closed).toBe(true);
  });
});
