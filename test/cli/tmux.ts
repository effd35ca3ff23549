import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect } from 'vitest';
import { programOf } from '../setup/requires.ts';

/** A terminal that a test types on and looks at. */
export class Tmux implements Disposable {
  readonly #folder: string;

  /** `folder` is where the command runs, and an empty home. */
  constructor(folder: string, command: string) {
    this.#folder = folder;
    this.#run('new-session', '-d', '-x', '100', '-y', '30', '-c', folder, command);
  }

  get screen(): string {
    return this.#run('capture-pane', '-p').trim();
  }

  /** Types what is written here. */
  type(text: string): void {
    this.#run('send-keys', '-l', text);
  }

  /** Gives all of it at once, as a person who pastes. */
  paste(text: string): void {
    this.#run('set-buffer', text);
    this.#run('paste-buffer', '-r');
  }

  /** The window becomes as large. */
  resize(columns: number, rows: number): void {
    this.#run('resize-window', '-x', `${columns}`, '-y', `${rows}`);
  }

  /** `Enter`, `Tab`, `C-c` and the like. */
  press(...keys: string[]): void {
    this.#run('send-keys', ...keys);
  }

  /** Resolves when the screen holds a text. */
  async shows(text: string): Promise<void> {
    await expect.poll(() => this.screen, { timeout: 60_000, interval: 50 }).toContain(text);
  }

  /** Resolves when the screen holds nothing else. */
  async showsOnly(text: string): Promise<void> {
    await expect.poll(() => this.screen, { timeout: 60_000, interval: 50 }).toBe(text);
  }

  [Symbol.dispose](): void {
    this.#run('kill-server');
  }

  #run(...words: string[]): string {
    const socket = join(this.#folder, 'tmux');
    return execFileSync(programOf('tmux'), ['-S', socket, '-f', '/dev/null', ...words], {
      cwd: this.#folder,
      encoding: 'utf8',
      env: {
        HOME: this.#folder,
        PATH: process.env['PATH'] ?? '',
        LANG: 'C.UTF-8',
        TERM: 'xterm',
      },
    });
  }
}
