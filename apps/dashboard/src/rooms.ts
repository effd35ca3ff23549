import { byId } from './elements.ts';
import { RoomCard, type SwitchLight } from './room-card.ts';

/** The cards, one for each room that was heard of, by name. */
export class Rooms {
  readonly #switchLight: SwitchLight;
  readonly #cards = new Map<string, RoomCard>();
  readonly #container = byId('rooms');

  constructor(switchLight: SwitchLight) {
    this.#switchLight = switchLight;
  }

  onTemperature(room: string, celsius: number): void {
    if (Number.isFinite(celsius)) this.#card(room).showTemperature(celsius);
  }

  onHumidity(room: string, percent: number): void {
    if (Number.isFinite(percent)) this.#card(room).showHumidity(percent);
  }

  onLight(room: string, on: boolean): void {
    this.#card(room).showLight(on);
  }

  onStatus(room: string, online: boolean): void {
    this.#card(room).showPresence(online);
  }

  #card(room: string): RoomCard {
    let card = this.#cards.get(room);
    if (card !== undefined) return card;
    card = new RoomCard(room, this.#switchLight);
    this.#cards.set(room, card);
    byId('no-rooms').hidden = true;
    const following = [...this.#cards.keys()].sort().find((name) => name > room);
    this.#container.insertBefore(
      card.root,
      following === undefined ? null : (this.#cards.get(following)?.root ?? null),
    );
    card.inserted();
    return card;
  }
}
