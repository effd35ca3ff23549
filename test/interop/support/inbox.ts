import type { Message } from 'mqtt-kit';
import { until } from '../../setup/until.ts';

/** Received messages, in order: `subscribe(filter, inbox.take)`. */
export class Inbox {
  readonly messages: Message[] = [];

  readonly take = (message: Message): void => {
    this.messages.push(message);
  };

  /** Waits until `count` messages are here, and returns all. */
  async holds(count: number, limitMs?: number): Promise<readonly Message[]> {
    await until(() => this.messages.length >= count, `${count} messages arrive`, limitMs).catch(
      (error: Error) => {
        throw new Error(`${error.message}, got ${JSON.stringify(this.texts)}`);
      },
    );
    return this.messages;
  }

  /** Waits until a message with this payload is here: the ones before it can then be counted. */
  async holdsText(text: string, limitMs?: number): Promise<readonly string[]> {
    await until(() => this.texts.includes(text), `the message "${text}" arrives`, limitMs);
    return this.texts;
  }

  get texts(): readonly string[] {
    return this.messages.map((message) => message.text());
  }
}
