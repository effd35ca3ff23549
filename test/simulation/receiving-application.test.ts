import { describe, expect, it } from 'vitest';
import type { ClientWorld, Life } from './client-world.ts';
import { Counts } from './counts.ts';
import { ReceivingApplication } from './receiving-application.ts';

/** As much of a world as `seen` needs, in which every fault that can occur does. */
function setUp() {
  const wake: (() => void)[] = [];
  const world = {
    faults: true,
    nowMs: 0,
    options: { delivery: 'transactional', mode: 'durable' },
    prng: { chance: () => true, pick: ([first]: readonly unknown[]) => first },
    counts: new Counts(),
    clock: { schedule: (_atMs: number, callback: () => void) => wake.push(callback) },
    journal: { deliveries: new Map() },
    ledger: { inbound: new Map() },
  };
  const life = { dead: false } as Life;
  const application = new ReceivingApplication(world as unknown as ClientWorld);
  const { seen } = application.optionsFor(life);
  return { application, world, life, wake, ask: async () => seen?.(1) };
}

describe('the application that is asked whether it has seen a message', () => {
  it('fails at that while there are faults', async () => {
    const { wake, ask } = setUp();
    const asked = ask();
    wake[0]?.();
    await expect(asked).rejects.toThrow('the database of the application is away');
  });

  it('answers when the faults have ended meanwhile: no start would bring the message again', async () => {
    const { world, wake, ask } = setUp();
    const asked = ask();
    world.faults = false;
    wake[0]?.();
    await expect(asked).resolves.toBe(false);
  });

  it('does nothing for a process that died in the middle of its turn', () => {
    const { application, life, wake, ask } = setUp();
    life.dead = true;
    void ask();
    expect([application.atWork, wake]).toEqual([0, []]);
  });
});
