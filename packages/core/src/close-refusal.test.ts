import { disconnect, publish } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage, watch } from './client-stage.test-support.ts';

describe('close, when the server refuses what was sent last', () => {
  it('tells the DISCONNECT that crossed ours', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.link.delayMs = 10;
    void client.publish('secret', 'x');
    const closing = client.close();
    await stage.clock.settle();
    stage.server.send(publish('t', 'x'), disconnect(0x87, { reasonString: 'not you' }));
    stage.server.end();
    await stage.clock.advance(100);
    const result = await closing;
    expect(result).toMatchObject({ unsent: 0, unacknowledged: 0 });
    expect(result.serverError).toMatchObject({
      code: 'notAuthorized',
      reasonCode: 0x87,
      message: 'mqtt://h:1883 closed the connection: Not authorized (0x87), "not you"',
    });
    expect(stage.sent('disconnect')).toHaveLength(1);
    expect(stage.errors).toEqual([]);
    expect(client.status).toEqual({ state: 'closed', reason: undefined });
  });

  it('tells nothing of a server that only closes', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    void client.publish('t', 'x');
    expect(Object.keys(await client.close())).toEqual(['unsent', 'unacknowledged']);
  });

  it('ends within a second although the server sends without end', async () => {
    const stage = new ClientStage();
    const client = await stage.connect();
    stage.server.pause();
    const closing = watch(client.close());
    await stage.clock.settle();
    for (let ms = 0; ms < 999; ms += 9) {
      stage.server.send(publish('t', 'x'.repeat(50_000)));
      await stage.clock.advance(9);
    }
    expect(closing.state).toBe('pending');
    await stage.clock.advance(1);
    expect(closing.state).toBe('resolved');
    expect([stage.link.openEnds, stage.clock.scheduled]).toEqual([0, 0]);
  });
});
