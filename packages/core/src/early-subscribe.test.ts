import { connack, suback } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, type ClientStageOptions, watch } from './client-stage.test-support.ts';
import type { ConnectOptions } from './options.ts';

const early: ConnectOptions = { waitForConnection: false, subscriptionIdentifiers: false };

/** A client that subscribes at once, with a server that has not answered its CONNECT. */
async function subscribing(
  filters: string | string[],
  connectOptions: ConnectOptions = {},
  stageOptions: ClientStageOptions = {},
) {
  const stage = new ClientStage(stageOptions);
  stage.held.add('connect').add('subscribe');
  const client = await stage.connect({ ...early, ...connectOptions });
  const topics: string[] = [];
  const call = watch(client.subscribe(filters, ({ topic }) => void topics.push(topic)));
  await stage.clock.settle();
  return { stage, client, call, topics };
}

const types = (stage: ClientStage) => stage.server.received.map(({ type }) => type);

describe('a subscription without an identifier', () => {
  it('is asked for together with CONNECT, once, and granted by its SUBACK alone', async () => {
    const { stage, call, topics } = await subscribing(['a/#', 'a/b']);
    const [packet] = stage.sent('subscribe');
    expect(packet?.properties).toEqual({});
    expect(packet?.subscriptions.map(({ topicFilter }) => topicFilter)).toEqual(['a/#', 'a/b']);
    stage.server.send(connack());
    await stage.clock.settle();
    expect([call.state, stage.sent('subscribe').length]).toEqual(['pending', 1]);
    // A message may overtake SUBACK, and several copies come where filters overlap.
    await stage.receive('a/b');
    stage.server.send(suback(packet!, [0, 0]));
    await stage.clock.settle();
    expect([call.state, topics]).toEqual(['resolved', ['a/b']]);
  });

  it('waits for CONNACK where the session may go on, and is not granted by that session', async () => {
    const { stage, call } = await subscribing(
      'a',
      { cleanStart: false, clientId: 'c', foreignSession: 'adopt' },
      { sessionPresent: () => true },
    );
    expect(stage.sent('subscribe')).toEqual([]);
    stage.server.send(connack({ sessionPresent: true }));
    await stage.clock.settle();
    expect([call.state, stage.sent('subscribe').length]).toEqual(['pending', 1]);
    stage.server.send(suback(stage.sent('subscribe')[0]!, [0]));
    await stage.clock.settle();
    expect(call.state).toBe('resolved');
  });

  it.each(['refused', 'closed'])('is asked for anew under 3.1.1 when 5.0 is %s', async (how) => {
    const { stage, call } = await subscribing('a', { version: 'auto' });
    stage.held.clear();
    if (how === 'refused') stage.server.send(connack({ reasonCode: 0x84 }));
    else stage.server.end();
    await stage.clock.advance(1000);
    expect(stage.broker.connections).toHaveLength(2);
    expect([call.state, stage.sent('subscribe').length]).toEqual(['resolved', 1]);
  });

  it('fails with the reason of a connection that is refused', async () => {
    const { stage, call } = await subscribing('a', { reconnect: false });
    stage.server.send(connack({ reasonCode: 0x87 }));
    await stage.clock.settle();
    expect([call.state, call.code]).toEqual(['rejected', 'clientClosed']);
    expect(stage.statuses.at(-1)).toMatchObject({ reason: { code: 'notAuthorized' } });
  });

  it('fails alone when CONNACK forbids it, and those of its call go on', async () => {
    const { stage, call } = await subscribing(['a/#', 'b']);
    stage.held.delete('subscribe');
    stage.server.send(connack({ properties: { wildcardSubscriptionAvailable: 0 } }));
    await stage.clock.settle();
    expect(call.error).toMatchObject({
      code: 'serverLimit',
      grants: [
        { topicFilter: 'a/#', reasonCode: 0xa2 },
        { topicFilter: 'b', reasonCode: 0 },
      ],
    });
  });

  it('is asked for again when the connection is lost before SUBACK', async () => {
    const { stage, call } = await subscribing('a');
    stage.server.send(connack());
    await stage.clock.settle();
    stage.held.clear();
    await stage.reconnect();
    expect([call.state, stage.sent('subscribe').length]).toEqual(['resolved', 1]);
  });

  it('leaves nothing behind when it is ended before the server has answered', async () => {
    const { stage, client, call } = await subscribing('a');
    stage.held.clear();
    await client.unsubscribe('a');
    stage.server.send(connack(), suback(stage.sent('subscribe')[0]!, [0]));
    await stage.clock.settle();
    expect(call.code).toBe('aborted');
    expect(stage.sent('unsubscribe').map(({ topicFilters }) => topicFilters)).toEqual([['a']]);
  });

  it('stays when it is ended and wanted again before the server has answered', async () => {
    const { stage, client } = await subscribing('a');
    await client.unsubscribe('a');
    const again = watch(client.subscribe('a', () => {}));
    await stage.clock.settle();
    stage.server.send(connack(), ...stage.sent('subscribe').map((packet) => suback(packet, [0])));
    await stage.clock.settle();
    expect([again.state, stage.sent('unsubscribe').length]).toEqual(['resolved', 0]);
  });
});

describe('a subscription with an identifier', () => {
  it('waits for CONNACK, which may forbid it', async () => {
    const { stage } = await subscribing('a', { subscriptionIdentifiers: true });
    expect(types(stage)).toHaveLength(1);
  });
});
