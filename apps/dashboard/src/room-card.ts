import { element, setText } from './elements.ts';
import { Sparkline } from './sparkline.ts';

/** Publishes what a light shall be. Settles when the server has it. */
export type SwitchLight = (room: string, on: boolean) => Promise<unknown>;

/** One room: its values, its light, and whether its sensor lives. */
export class RoomCard {
  readonly root: HTMLElement;
  readonly #room: string;
  readonly #switchLight: SwitchLight;
  readonly #presence = element('span', 'presence', 'sensor unknown');
  readonly #temperature = element('span', 'value', '–');
  readonly #humidity = element('span', 'humidity', '–');
  readonly #sparkline: Sparkline;
  readonly #light = element('button', 'switch');
  readonly #lightState = element('span', 'light-state', 'unknown');
  /** What was asked for and is not known to have arrived. */
  #asked = 0;

  constructor(room: string, switchLight: SwitchLight) {
    this.#room = room;
    this.#switchLight = switchLight;
    this.#sparkline = new Sparkline(`Temperature, ${room}`);
    const title = element('h3', '', room);
    title.id = `room-${room}`;
    this.#light.type = 'button';
    this.#light.setAttribute('role', 'switch');
    this.#light.setAttribute('aria-checked', 'false');
    this.#light.setAttribute('aria-label', `Light, ${room}`);
    this.#light.addEventListener('click', () => this.#toggle());
    this.root = element(
      'article',
      'room',
      element('div', 'room-head', title, this.#presence),
      element('p', 'values', this.#temperature, element('span', 'unit', '°C'), this.#humidity),
      this.#sparkline.root,
      element('div', 'light', element('span', '', 'Light'), this.#lightState, this.#light),
    );
    this.root.setAttribute('aria-labelledby', title.id);
  }

  /** The card is in the page: what needs to know its width can begin. */
  inserted(): void {
    this.#sparkline.inserted();
  }

  showTemperature(celsius: number): void {
    setText(this.#temperature, celsius.toFixed(1));
    this.#sparkline.add(Date.now() / 1000, celsius);
  }

  showHumidity(percent: number): void {
    setText(this.#humidity, `${percent.toFixed(0)} % humidity`);
  }

  showPresence(online: boolean): void {
    this.root.classList.toggle('gone', !online);
    this.#presence.dataset['online'] = String(online);
    setText(this.#presence, online ? 'online' : 'offline');
  }

  /** What the lamp says of itself. While something else is on its way to it, that stays shown. */
  showLight(on: boolean): void {
    if (this.#asked === 0) this.#show(on, on ? 'on' : 'off');
  }

  #toggle(): void {
    const on = this.#light.getAttribute('aria-checked') !== 'true';
    this.#asked += 1;
    this.#show(on, `${on ? 'on' : 'off'}, waiting for the server`);
    this.#switchLight(this.#room, on).then(
      () => {
        this.#asked -= 1;
        if (this.#asked === 0) this.#show(on, on ? 'on' : 'off');
      },
      (error: Error) => {
        this.#asked -= 1;
        if (this.#asked === 0) this.#show(!on, `not switched: ${error.message}`);
      },
    );
  }

  #show(on: boolean, text: string): void {
    this.#light.setAttribute('aria-checked', String(on));
    this.root.classList.toggle('lit', on);
    setText(this.#lightState, text);
  }
}
