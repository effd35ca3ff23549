import { describe, expect, it } from 'vitest';
import { type SimulatePlan, simulateFeed } from './simulate-feed.ts';

const plan: SimulatePlan = {
  fields: 'temp=walk(20,0.2,15..30) hum=50+noise(0)',
  topic: 'house/{id}',
  devices: 2,
  seed: '42',
  everyMs: 1000,
  forMs: undefined,
  count: 6,
  speed: Number.POSITIVE_INFINITY,
};

async function feed(
  change: Partial<SimulatePlan>,
): Promise<[topic: string | undefined, text: string][]> {
  const messages: [string | undefined, string][] = [];
  for await (const { topic, payload } of simulateFeed({ ...plan, ...change })) {
    messages.push([topic, new TextDecoder().decode(payload)]);
  }
  return messages;
}

describe('--simulate', () => {
  it('gives JSON of several fields, for each device under its topic, and repeats from a seed', async () => {
    const messages = await feed({});
    expect(messages).toHaveLength(6);
    expect(new Set(messages.map(([topic]) => topic))).toEqual(
      new Set(['house/device-1', 'house/device-2']),
    );
    for (const [, text] of messages) expect(text).toMatch(/^\{"temp":\d\d(\.\d{1,3})?,"hum":50\}$/);
    expect(await feed({})).toEqual(messages);
    expect(await feed({ seed: '43' })).not.toEqual(messages);
  });

  it('gives one field as plain text, in the decimals that it asks for', async () => {
    expect(await feed({ fields: 'x=counter()', devices: 1, count: 3 })).toEqual([
      ['house/device-1', '0'],
      ['house/device-1', '1'],
      ['house/device-1', '2'],
    ]);
    const [[, text = ''] = []] = await feed({
      fields: 'x=(20.123456789).round(6)',
      devices: 1,
      count: 1,
    });
    expect(text).toBe('20.123457');
  });

  it('ends when its time is over', async () => {
    expect(await feed({ count: undefined, forMs: 10_000, devices: 1 })).toHaveLength(10);
  });

  it('waits for the time of each message, as fast as it is told', async () => {
    const beganMs = performance.now();
    await feed({ devices: 1, count: 5, speed: 20 });
    expect(performance.now() - beganMs).toBeGreaterThanOrEqual(199);
  });

  it.each([
    [{ fields: 'temp=wolk(20)' }, /--simulate: there is no function "wolk", did you mean "walk"\?/],
    [{ fields: 'walk(20, 1)' }, /--simulate: expected fields such as temp=/],
    [{ fields: 'a=b b=a' }, /--simulate: a and b need each other/],
    [{ topic: 'house/{room}' }, /-t: \{room\} is no name here/],
    [{ topic: 'house/#' }, /-t: the topic "house\/#"/],
  ])('tells a mistake: %j', async (change, expected) => {
    await expect(feed(change)).rejects.toThrow(expected);
    await expect(feed(change)).rejects.toThrow(
      expect.objectContaining({ name: expect.stringContaining('Error') }),
    );
  });
});
