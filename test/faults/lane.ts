/** One publisher, one receiver, and the faults between them and their broker. */
import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Prng } from '@mqtt-kit/testkit';
import type { Child } from '../setup/child-process.ts';
import { startScript } from '../setup/child-script.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { until } from '../setup/until.ts';
import type { Outage } from './blame.ts';
import type { BrokerName } from './brokers.ts';
import { type FaultProxy, startFaultProxy } from './fault-proxy.ts';
import type { Order, PublisherOrder, ReceiverOrder } from './orders.ts';
import { judge, readPublisherLog, type Verdict } from './verdict.ts';

export interface LanePlan {
  readonly name: string;
  readonly broker: BrokerName;
  readonly version: '3.1.1' | '5.0';
  readonly qos: 1 | 2;
  /** How durable its file stores are; `memory` without any: then nobody is killed. */
  readonly durability: 'process' | 'power' | 'memory';
  readonly delivery: 'at-least-once' | 'transactional';
  readonly cutWithinBytes: number | undefined;
  /** Messages that the publisher makes each 20 ms. */
  readonly burst: number;
}

type Role = 'publisher' | 'receiver';

const programs: Readonly<Record<Role, string>> = {
  publisher: fileURLToPath(new URL('programs/publisher.ts', import.meta.url)),
  receiver: fileURLToPath(new URL('programs/receiver.ts', import.meta.url)),
};

/** Each life of a publisher numbers its messages from its own million on. */
const numbersOfALife = 1_000_000;
const quietMs = 2_000;
const longestQuietMs = 30_000;
let lanes = 0;

export class Lane implements AsyncDisposable {
  readonly plan: LanePlan;
  readonly kills: Record<Role, number> = { publisher: 0, receiver: 0 };
  /** Of its broker, so far. */
  readonly outages: Outage[] = [];
  readonly #proxies: Readonly<Record<Role, FaultProxy>>;
  readonly #logs: Readonly<Record<Role, string>>;
  readonly #folder: string;
  readonly #topic: string;
  readonly #children: Partial<Record<Role, Child>> = {};
  #lives = 0;

  private constructor(
    plan: LanePlan,
    folder: string,
    proxies: Readonly<Record<Role, FaultProxy>>,
    topic: string,
  ) {
    this.plan = plan;
    this.#folder = folder;
    this.#proxies = proxies;
    this.#topic = topic;
    this.#logs = {
      publisher: join(folder, 'publisher.log'),
      receiver: join(folder, 'receiver.log'),
    };
    for (const log of Object.values(this.#logs)) writeFileSync(log, '');
  }

  /** Resolves when the receiver has subscribed and the publisher publishes. */
  static async start(plan: LanePlan, port: () => number, prng: Prng): Promise<Lane> {
    const { version, cutWithinBytes } = plan;
    const common = { port, version, cutWithinBytes };
    const [publisher, receiver] = await Promise.all([
      startFaultProxy({ ...common, recoveredBy: 'acknowledgement', prng: prng.fork() }),
      startFaultProxy({ ...common, recoveredBy: 'connack', prng: prng.fork() }),
    ]);
    const topic = `faults/${process.pid}/${++lanes}`;
    const lane = new Lane(plan, temporaryFolder('lane'), { publisher, receiver }, topic);
    await lane.#launch('receiver');
    const subscribed = () => /^s$/m.test(readFileSync(lane.#logs.receiver, 'utf8'));
    await until(subscribed, `the receiver of ${plan.name} subscribes`, 30_000);
    await lane.#launch('publisher');
    return lane;
  }

  get cuts(): number {
    return this.#proxies.publisher.cuts + this.#proxies.receiver.cuts;
  }

  get recoveriesMs(): readonly number[] {
    return [...this.#proxies.publisher.recoveriesMs, ...this.#proxies.receiver.recoveriesMs];
  }

  /** Messages accepted so far. */
  get accepted(): number {
    return readPublisherLog(readFileSync(this.#logs.publisher, 'utf8')).accepted.size;
  }

  /** Ends a process without a word and starts it again. */
  async kill(role: Role): Promise<void> {
    this.#proxies[role].forgetCut();
    await this.#children[role]?.stop('SIGKILL');
    this.kills[role] += 1;
    await this.#launch(role);
    this.#proxies[role].forgetCut();
  }

  /** The broker was ended. */
  forgetCuts(): void {
    for (const proxy of Object.values(this.#proxies)) proxy.forgetCut();
  }

  /** No more faults and no new messages: waits until all has arrived, or nothing comes any more, and judges. */
  async finish(): Promise<Verdict> {
    for (const proxy of Object.values(this.#proxies)) proxy.calm();
    if (this.plan.durability === 'memory') {
      this.#children.publisher?.stop('SIGTERM').catch(() => {});
    } else {
      // Its last life makes no new messages. A signal might come before it can listen to it.
      await this.#children.publisher?.stop('SIGKILL');
      await this.#launch('publisher', 0);
    }
    await this.#silence();
    const errors = Object.values(this.#children).map((child) => child.stderr);
    await this.#end();
    const verdict = this.#judge();
    return {
      ...verdict,
      complaints: [...verdict.complaints, ...errors.filter((text) => text !== '')],
    };
  }

  #judge(): Verdict {
    return judge({
      publisherLog: readFileSync(this.#logs.publisher, 'utf8'),
      receiverLog: readFileSync(this.#logs.receiver, 'utf8'),
      publisherTrace: this.#proxies.publisher.trace.events,
      receiverTrace: this.#proxies.receiver.trace.events,
      outages: this.outages,
      isTrusted: this.plan.broker === 'mosquitto',
      qos: this.plan.qos,
      delivery: this.plan.delivery,
    });
  }

  /** Messages that moved so far on either wire, or were handled. */
  #movements(): number {
    const { publisher, receiver } = this.#proxies;
    const { size } = statSync(this.#logs.receiver);
    return publisher.trace.exchanged + receiver.trace.exchanged + size;
  }

  /** With everything there that should be, a moment for what should not come; with something missing, as long as can be. */
  async #silence(): Promise<void> {
    let moved = -1;
    let quietSince = performance.now();
    for (;;) {
      await sleep(250);
      const now = this.#movements();
      if (now !== moved) quietSince = performance.now();
      moved = now;
      const quietForMs = performance.now() - quietSince;
      if (quietForMs > longestQuietMs) return;
      if (quietForMs > quietMs && this.#judge().lost === 0) return;
    }
  }

  async #launch(role: Role, burst = this.plan.burst): Promise<void> {
    const { plan } = this;
    const durable = plan.durability !== 'memory';
    const order: Order = {
      url: `mqtt://127.0.0.1:${this.#proxies[role].port}`,
      version: plan.version,
      clientId: `${role}-${this.#topic.replaceAll('/', '-')}`,
      topic: this.#topic,
      qos: plan.qos,
      store: durable ? join(this.#folder, role) : undefined,
      durability: plan.durability === 'power' ? 'power' : 'process',
      log: this.#logs[role],
    };
    const first = numbersOfALife * ++this.#lives;
    const publisher: PublisherOrder = { ...order, first, burst };
    const receiver: ReceiverOrder = { ...order, delivery: plan.delivery };
    const words = [JSON.stringify(role === 'publisher' ? publisher : receiver)];
    this.#children[role] = await startScript(programs[role], words);
  }

  async #end(): Promise<void> {
    for (const child of Object.values(this.#children)) await child.stop('SIGKILL');
    for (const proxy of Object.values(this.#proxies)) await proxy[Symbol.asyncDispose]();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#end();
  }
}
