import { type Message, type MqttClient, type Subscription, topicFilterProblem } from 'mqtt-kit';
import { byId, element, setText } from './elements.ts';

const keptMessages = 60;
const shownCharacters = 200;
/** So long after the last key a filter counts as written. */
const typingMs = 400;

/** The latest messages of a topic filter that people choose. */
export class MessageLog {
  readonly #client: MqttClient;
  readonly #input = byId<HTMLInputElement>('filter');
  readonly #help = byId('filter-help');
  readonly #rows = byId('messages');
  readonly #helpText = this.#help.innerHTML;
  /** Grows with each filter: what still comes for an earlier one is not shown. */
  #generation = 0;
  #subscription: Subscription | undefined;
  #filter = '';
  #waiting: HTMLTableRowElement[] = [];
  #frame = 0;

  constructor(client: MqttClient) {
    this.#client = client;
    let timer = 0;
    this.#input.addEventListener('input', () => {
      clearTimeout(timer);
      timer = setTimeout(() => void this.start(), typingMs);
    });
    byId('filter-form').addEventListener('submit', (event) => {
      event.preventDefault();
      clearTimeout(timer);
      void this.start();
    });
  }

  /** Follows the filter that stands in the box. Never rejects: what is wrong with it is shown. */
  async start(): Promise<void> {
    const filter = this.#input.value.trim();
    const problem = filter === '' ? 'a filter is needed' : topicFilterProblem(filter);
    this.#showProblem(problem);
    if (problem !== undefined || filter === this.#filter) return;
    this.#generation += 1;
    const generation = this.#generation;
    this.#filter = filter;
    this.#waiting = [];
    this.#rows.replaceChildren();
    const before = this.#subscription;
    this.#subscription = undefined;
    try {
      await before?.unsubscribe();
      const subscription = await this.#client.subscribe(filter, (message) => {
        if (generation === this.#generation) this.#add(message);
      });
      if (generation === this.#generation) this.#subscription = subscription;
      else await subscription.unsubscribe();
    } catch (error) {
      if (generation === this.#generation) this.#showProblem((error as Error).message);
    }
  }

  #add(message: Message): void {
    const text = message.text();
    this.#waiting.push(
      element(
        'tr',
        '',
        element('td', 'time', new Date().toLocaleTimeString([], { hour12: false })),
        element('td', 'topic', ...breakable(message.topic)),
        element('td', 'payload', text.slice(0, shownCharacters)),
      ),
    );
    if (this.#waiting.length > keptMessages) this.#waiting.shift();
    this.#frame ||= requestAnimationFrame(() => this.#show());
  }

  #show(): void {
    this.#frame = 0;
    this.#rows.prepend(...this.#waiting.reverse());
    this.#waiting = [];
    while (this.#rows.childElementCount > keptMessages) this.#rows.lastElementChild?.remove();
  }

  #showProblem(problem: string | undefined): void {
    this.#input.setAttribute('aria-invalid', String(problem !== undefined));
    if (problem === undefined) this.#help.innerHTML = this.#helpText;
    else setText(this.#help, problem);
  }
}

/** Long topics break between their levels. */
function breakable(topic: string): (string | Node)[] {
  return topic
    .split('/')
    .flatMap((level, index) =>
      index === 0 ? [level] : ['/', document.createElement('wbr'), level],
    );
}
