import uPlot from 'uplot';
import { element } from './elements.ts';

const keptSeconds = 180;
/** The width shows at least so much: the first values do not jump about. */
const leastSeconds = 30;
const heightPx = 56;

/** The last three minutes of a value, as a line without axes. */
export class Sparkline {
  readonly root: HTMLElement = element('div', 'sparkline');
  readonly #name: string;
  readonly #times: number[] = [];
  readonly #values: number[] = [];
  #plot: uPlot | undefined;
  #frame = 0;

  constructor(name: string) {
    this.#name = name;
    this.root.setAttribute('role', 'img');
    this.root.setAttribute('aria-label', `${name}: nothing yet`);
  }

  inserted(): void {
    this.#plot = new uPlot(
      {
        width: Math.max(this.root.clientWidth, 1),
        height: heightPx,
        pxAlign: false,
        padding: [4, 2, 4, 2],
        cursor: { show: false },
        legend: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        axes: [{ show: false }, { show: false }],
        scales: {
          x: {
            time: true,
            range: (_plot, first, last) => [Math.min(first, last - leastSeconds), last],
          },
          // A quiet room is a flat line, not a mountain range of tenths.
          y: { range: (_plot, least, most) => widened(least, most) },
        },
        series: [
          {},
          {
            width: 2,
            stroke: () => colour(this.root, '--line'),
            fill: () => colour(this.root, '--line-fill'),
            points: { show: false },
          },
        ],
      },
      [[], []],
      this.root,
    );
    new ResizeObserver(() => {
      this.#plot?.setSize({ width: Math.max(this.root.clientWidth, 1), height: heightPx });
    }).observe(this.root);
    // Colours come from the style sheet, which has others in the dark.
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () =>
      this.#plot?.redraw(false),
    );
  }

  add(seconds: number, value: number): void {
    this.#times.push(seconds);
    this.#values.push(value);
    while ((this.#times[0] ?? seconds) < seconds - keptSeconds) {
      this.#times.shift();
      this.#values.shift();
    }
    // Once for all that comes before the next picture; not at all while nobody looks.
    this.#frame ||= requestAnimationFrame(() => this.#draw());
  }

  #draw(): void {
    this.#frame = 0;
    this.#plot?.setData([this.#times, this.#values]);
    const least = Math.min(...this.#values).toFixed(1);
    const most = Math.max(...this.#values).toFixed(1);
    this.root.setAttribute(
      'aria-label',
      `${this.#name}: between ${least} and ${most} °C in the last three minutes`,
    );
  }
}

function widened(least: number, most: number): [number, number] {
  const middle = (least + most) / 2;
  const half = Math.max((most - least) / 2, 0.5);
  return [middle - half, middle + half];
}

function colour(root: HTMLElement, name: string): string {
  return getComputedStyle(root).getPropertyValue(name).trim();
}
