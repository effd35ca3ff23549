import { describe, expect, it } from 'vitest';
import { BackOffWitness } from './back-off-witness.ts';

/** Delays that are drawn with a half: 50 ms in round 0, 100 in round 1, 200 in round 2. */
function wait(witness: BackOffWitness, delayMs: number, nowMs: number): void {
  witness.waits(delayMs, 0.5, nowMs);
}

describe('the judge of delays', () => {
  it('lets them grow, and begin again after a connection that stood for 10 s', () => {
    const witness = new BackOffWitness(100, 30_000);
    wait(witness, 50, 0);
    wait(witness, 100, 0);
    expect(() => wait(witness, 50, 0)).toThrow('a delay of 50 ms in round 2');
    witness.connected(0);
    wait(witness, 50, 10_000);
  });

  it('lets them begin again after one that stood for 10 s and sent the client elsewhere', () => {
    const witness = new BackOffWitness(100, 30_000);
    wait(witness, 50, 0);
    witness.connected(0);
    witness.redirected(10_000);
    witness.connected(10_000);
    wait(witness, 50, 10_001);
  });

  it('lets them grow to a second after progress, as long as no other attempt is made', () => {
    const witness = new BackOffWitness(1_000, 30_000);
    witness.attempt();
    witness.progress();
    wait(witness, 500, 0);
    wait(witness, 500, 0);
    witness.attempt();
    wait(witness, 2_000, 0);
    expect(() => wait(witness, 500, 0)).toThrow('a delay of 500 ms in round 3');
  });

  it('lets them grow after one that sent the client elsewhere at once', () => {
    const witness = new BackOffWitness(100, 30_000);
    wait(witness, 50, 0);
    witness.connected(0);
    witness.redirected(9_999);
    witness.connected(9_999);
    expect(() => wait(witness, 50, 19_998)).toThrow('a delay of 50 ms in round 1');
  });
});
