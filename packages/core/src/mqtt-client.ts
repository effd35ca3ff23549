import type { Negotiated } from '@mqtt-kit/engine';
import { noProperties } from '@mqtt-kit/packet';
import type { ClientEvents, CloseResult, MqttClient, PublishPromise } from './client.ts';
import type { ClientLife } from './client-life.ts';
import { type Consumer, HandlerConsumer, IteratorConsumer } from './consumer.ts';
import { asUsageError, MqttError } from './errors.ts';
import { checkFunction, checkOneOf, checkOptions, checkSignal } from './option-check.ts';
import type {
  CloseOptions,
  Payload,
  PublishOptions,
  SubscribeOptions,
  UnsubscribeOptions,
} from './options.ts';
import { outgoingMessage } from './outgoing-message.ts';
import { rejectedPublish } from './publication.ts';
import { abortedBefore } from './request-limits.ts';
import type { Status } from './status.ts';
import {
  type SubscribeSettings,
  subscribeArguments,
  subscribeSettings,
  topicPatterns,
  uniquePatterns,
  unsubscribeSettings,
} from './subscribe-options.ts';
import type { MessageHandler, Subscription } from './subscription.ts';
import type { LooseParams } from './topic-pattern.ts';

const eventNames = [
  'status',
  'error',
  'unmatched',
  'sessionLost',
  'sessionDiscarded',
  'sessionAdopted',
  'packet',
] as const satisfies readonly (keyof ClientEvents)[];

/** What applications hold: it checks what they give, and shows nothing of what is behind it. */
export class Client implements MqttClient {
  readonly #life: ClientLife;

  constructor(life: ClientLife) {
    this.#life = life;
  }

  get status(): Status {
    return this.#life.status;
  }

  get connected(): boolean {
    return this.#life.status.state === 'connected';
  }

  get clientId(): string {
    return this.#life.connector.clientId;
  }

  get server(): Negotiated | undefined {
    return this.#life.negotiated;
  }

  get queued(): { readonly messages: number; readonly bytes: number } {
    return this.#life.driver.queued;
  }

  publish(topic: string, payload: Payload, options?: PublishOptions): PublishPromise {
    try {
      this.#life.checkOpen();
      const message = outgoingMessage(topic, payload, options, this.#life.versions.problemOf50);
      if (message.properties !== noProperties)
        this.#life.versions.require50('properties of publish');
      // Words for the one case in which they are needed.
      const aborted =
        options?.signal === undefined
          ? undefined
          : abortedBefore(options, `the publish to ${JSON.stringify(topic)}`);
      if (aborted !== undefined) return rejectedPublish(aborted);
      return this.#life.publications.publish(message, options);
    } catch (thrown) {
      return rejectedPublish(asUsageError(thrown));
    }
  }

  subscribe(
    filter: string | readonly string[],
    optionsOrHandler?: SubscribeOptions | MessageHandler<never>,
    handler?: MessageHandler<never>,
  ): Promise<Subscription<never>> {
    try {
      this.#life.checkOpen();
      const { options, consume } = subscribeArguments(optionsOrHandler, handler);
      const patterns = uniquePatterns(topicPatterns(filter));
      const settings = subscribeSettings(options, {
        propertiesProblem: this.#life.versions.problemOf50,
        durable: this.#life.store?.durable ?? false,
        hasHandler: consume !== undefined,
      });
      if (settings.needs50) this.#life.versions.require50('options of subscribe');
      const aborted = abortedBefore(settings.limits, 'the subscription');
      if (aborted !== undefined) throw aborted;
      const subscribed: Promise<Subscription<LooseParams>> = this.#life.subscriptions.subscribe(
        patterns,
        settings,
        (onReturn) => this.#consumer(consume, settings, onReturn),
      );
      this.#life.dispatcher.stopExpecting(patterns.map((pattern) => pattern.filter));
      return subscribed as Promise<Subscription<never>>;
    } catch (thrown) {
      return Promise.reject(asUsageError(thrown));
    }
  }

  unsubscribe(
    filter: string | readonly string[],
    options?: UnsubscribeOptions,
  ): Promise<readonly number[]> {
    const ended = this.#unsubscribe(filter, options);
    // Whoever does not wait for the end need not know how it went.
    ended.catch(nothing);
    return ended;
  }

  async reauthenticate(): Promise<void> {
    this.#life.checkOpen();
    if (!this.connected) {
      throw new MqttError('connectionLost', 'there is no connection to re-authenticate');
    }
    const { server } = this.#life.connector;
    return this.#life.authenticator.reauthenticate(Object.freeze({ attempt: 1, server }));
  }

  close(options?: CloseOptions): Promise<CloseResult> {
    try {
      return this.#life.close(options);
    } catch (thrown) {
      return Promise.reject(asUsageError(thrown));
    }
  }

  on<K extends keyof ClientEvents>(
    event: K,
    listener: ClientEvents[K],
    options?: { readonly signal?: AbortSignal },
  ): () => void {
    checkOneOf('event', event, eventNames);
    checkFunction('listener', listener);
    const signal = checkOptions('options of on', options, ['signal']).get('signal');
    return this.#life.listeners.on(
      event,
      listener,
      signal === undefined ? undefined : checkSignal('signal', signal),
    );
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  /** What logs show: where the client stands, and none of the secrets it holds. */
  toJSON(): object {
    const { clientId, status, queued } = this;
    return { clientId, status, queued };
  }

  async #unsubscribe(
    filter: string | readonly string[],
    options: UnsubscribeOptions | undefined,
  ): Promise<readonly number[]> {
    this.#life.checkOpen();
    const filters = topicPatterns(filter).map((pattern) => pattern.filter);
    const settings = unsubscribeSettings(options, this.#life.versions.problemOf50);
    const aborted = abortedBefore(settings.limits, 'unsubscribing');
    if (aborted !== undefined) throw aborted;
    const unique = [...new Set(filters)];
    this.#life.dispatcher.stopExpecting(unique);
    const codes = await this.#life.subscriptions.unsubscribe(unique, settings);
    return filters.map((topicFilter) => codes[unique.indexOf(topicFilter)] as number);
  }

  #consumer(
    handler: MessageHandler<LooseParams> | undefined,
    settings: SubscribeSettings,
    onReturn: () => void,
  ): Consumer {
    return handler === undefined
      ? new IteratorConsumer(settings.iterator, this.#life.backlog, onReturn)
      : new HandlerConsumer(handler, settings.handler, this.#life.backlog);
  }
}

// How `console.log` of Node, Bun and Deno asks what to show.
Object.defineProperty(Client.prototype, Symbol.for('nodejs.util.inspect.custom'), {
  value(
    this: Client,
    _depth: number,
    how: object,
    inspect: (shown: object, how: object) => string,
  ) {
    return `MqttClient ${inspect(this.toJSON(), how)}`;
  },
});

function nothing(): void {}
