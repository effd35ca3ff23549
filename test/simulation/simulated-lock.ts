/** In place of the file store's lock, which is about processes of a real system: one life of one process has one owner. */
import { lifeOfDisk } from './simulated-fs.ts';
import { hold } from './violation.ts';

let lockedIn: number | undefined;

export function lockSession(): () => void {
  const life = lifeOfDisk();
  hold(lockedIn !== life, 14, () => 'a session is opened twice in one life');
  lockedIn = life;
  return () => {
    if (lockedIn === life) lockedIn = undefined;
  };
}

/** The next run begins. */
export function releaseLock(): void {
  lockedIn = undefined;
}
