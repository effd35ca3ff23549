/**
 * A receiving client that is killed between any two steps, and started again over the same store: what each delivery
 * mode promises has to hold for every place of the cut.
 */
import { FaultyStore, publish, pubrel } from '@mqtt-kit/testkit';
import { describe, expect, it } from 'vitest';
import { ClientStage } from './client-stage.test-support.ts';
import type { Message } from './message.ts';
import type { SubscribeOptions } from './options.ts';

const versions = ['5.0', '3.1.1'] as const;
const identifiers = [1, 2, 3];
/** More than a life needs. */
const mostSteps = 24;

interface Life {
  readonly stage: ClientStage;
  /** Handlers that wait for the end of their work. */
  readonly ends: (() => void)[];
}

class Run {
  readonly #version: (typeof versions)[number];
  readonly #qos: 1 | 2;
  readonly #options: SubscribeOptions;
  readonly #inLoop: boolean;
  readonly store = new FaultyStore({ manner: () => this.manner });
  manner: 'now' | 'late' = 'late';
  /** Every message that the application saw, and what it has of it for good. */
  readonly calls: Message[] = [];
  readonly effects: string[] = [];
  readonly ids = new Set<number>();
  /** What the server knows of its messages. */
  readonly received = new Set<number>();

  constructor(
    version: (typeof versions)[number],
    qos: 1 | 2,
    options: SubscribeOptions,
    inLoop: boolean,
  ) {
    this.#version = version;
    this.#qos = qos;
    this.#options = options;
    this.#inLoop = inLoop;
  }

  /** The client dies after so many steps, with some of what the store was writing. False: it lived to the end. */
  async dies(steps: number, survivors: (unsynced: number) => number): Promise<boolean> {
    const life = await this.#start(false);
    this.#send(life, false);
    await life.stage.clock.settle();
    let idle = 0;
    for (let step = 0; step < steps && idle < 3; step++) {
      const worked = step % 2 === 0 ? this.store.settle() !== 'nothing' : this.#endHandler(life);
      idle = worked ? 0 : idle + 1;
      await life.stage.clock.settle();
    }
    // Nothing of it happens any more: its commits go nowhere, and its connection is gone.
    this.store.crash(survivors);
    for (const packet of [...life.stage.sent('pubrec'), ...life.stage.sent('puback')]) {
      this.received.add(packet.packetIdentifier);
    }
    life.stage.link.current.cut();
    return idle < 3;
  }

  async isStartedAgain(): Promise<void> {
    this.manner = 'now';
    const life = await this.#start(true);
    this.#send(life, true);
    for (let step = 0; step < mostSteps; step++) {
      await life.stage.clock.settle();
      this.#endHandler(life);
    }
  }

  async #start(sessionPresent: boolean): Promise<Life> {
    const stage = new ClientStage({ sessionPresent: () => sessionPresent });
    const life: Life = { stage, ends: [] };
    const client = await stage.connect({
      clientId: 'me',
      version: this.#version,
      store: this.store,
      waitForConnection: false,
      reconnect: false,
    });
    const options = { qos: this.#qos, ...this.#options };
    const handler = (message: Message) => this.#handle(message, life);
    if (this.#inLoop) void this.#loop(client.subscribe('t', options), handler);
    else void client.subscribe('t', options, handler).catch(() => {});
    for (let turn = 0; turn < 20; turn++) {
      await stage.clock.settle();
      this.store.settle();
    }
    return life;
  }

  async #loop(
    subscribed: Promise<AsyncIterable<Message>>,
    handler: (message: Message) => Promise<void>,
  ): Promise<void> {
    try {
      for await (const message of await subscribed) await handler(message);
    } catch {
      // The client is dead.
    }
  }

  /** The effect and the id are one transaction of the application's. */
  async #handle(message: Message, life: Life): Promise<void> {
    this.calls.push(message);
    this.effects.push(message.text());
    this.ids.add(message.deliveryId as number);
    await new Promise<void>((resolve) => life.ends.push(resolve));
  }

  #endHandler(life: Life): boolean {
    const end = life.ends.shift();
    end?.();
    return end !== undefined;
  }

  #send(life: Life, again: boolean): void {
    const { server } = life.stage;
    for (const packetIdentifier of identifiers) {
      const known = this.received.has(packetIdentifier);
      if (known && this.#qos === 1) continue;
      server.send(
        known
          ? pubrel(packetIdentifier)
          : publish('t', String(packetIdentifier), {
              qos: this.#qos,
              packetIdentifier,
              dup: again,
            }),
      );
    }
  }
}

const count = (texts: readonly string[], identifier: number): number =>
  texts.filter((text) => text === String(identifier)).length;

/** Every place of the cut, and everything that a store may keep of what it was writing. */
async function everyCut(
  play: (steps: number, survivors: (unsynced: number) => number) => Promise<boolean>,
): Promise<number> {
  let cuts = 0;
  for (const survivors of [() => 0, (unsynced: number) => Math.ceil(unsynced / 2), Number]) {
    let died = true;
    for (let steps = 0; died; steps++) {
      expect(steps).toBeLessThan(4 * mostSteps);
      died = await play(steps, survivors);
      cuts += 1;
    }
  }
  return cuts;
}

describe.each(versions)('a receiver killed between any two steps, %s', (version) => {
  for (const [how, inLoop] of [
    ['by its handler', false],
    ['in a loop', true],
  ] as const) {
    for (const qos of [1, 2] as const) {
      it(`handles every QoS ${qos} message at least once, by the same deliveryId (${how})`, async () => {
        const cuts = await everyCut(async (steps, survivors) => {
          const run = new Run(version, qos, {}, inLoop);
          const died = await run.dies(steps, survivors);
          await run.isStartedAgain();
          for (const one of identifiers) expect(count(run.effects, one)).toBeGreaterThan(0);
          for (const message of run.calls.filter(({ redelivered }) => redelivered)) {
            const same = run.calls.filter((other) => other.deliveryId === message.deliveryId);
            expect(new Set(same.map((other) => other.text())).size).toBe(1);
          }
          return died;
        });
        expect(cuts).toBeGreaterThan(12);
      });
    }

    it(`hands over a QoS 2 message at most once, and loses none that the store holds (${how})`, async () => {
      let lost = 0;
      await everyCut(async (steps, survivors) => {
        const run = new Run(version, 2, { delivery: 'at-most-once' }, inLoop);
        const died = await run.dies(steps, survivors);
        const finished = new Set(
          run.store.journal.flatMap((one) => (one.type === 'inDone' ? one.delivery : [])),
        );
        const gone = run.store.journal.flatMap((one) =>
          one.type === 'in' && finished.has(one.delivery) ? one.packetIdentifier : [],
        );
        await run.isStartedAgain();
        for (const one of identifiers) {
          const times = count(run.effects, one);
          expect(times).toBeLessThan(2);
          if (!gone.includes(one)) expect(times).toBe(1);
          lost += 1 - times;
        }
        return died;
      });
      // A cut between inDone and the handler loses the message: that is what at most once says.
      expect(lost).toBeGreaterThan(0);
    });

    it(`has the effect of a QoS 2 message exactly once by transactions (${how})`, async () => {
      let refused = 0;
      await everyCut(async (steps, survivors) => {
        let run: Run | undefined;
        const seen = (id: number): boolean => {
          const known = run?.ids.has(id) ?? false;
          refused += Number(known);
          return known;
        };
        run = new Run(version, 2, { delivery: 'transactional', seen }, inLoop);
        const died = await run.dies(steps, survivors);
        await run.isStartedAgain();
        for (const one of identifiers) expect(count(run.effects, one)).toBe(1);
        return died;
      });
      expect(refused).toBeGreaterThan(0);
    });
  }
});
