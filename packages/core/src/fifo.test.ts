import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Fifo } from './fifo.ts';

describe('Fifo', () => {
  it('behaves as an array with push and shift, whatever is done to it', () => {
    const steps = fc.array(
      fc.oneof(
        fc.record({ push: fc.integer() }),
        fc.constant('shift' as const),
        fc.constant('takeAll' as const),
      ),
    );
    fc.assert(
      fc.property(steps, (list) => {
        const fifo = new Fifo<number>();
        let model: number[] = [];
        for (const step of list) {
          if (step === 'shift') expect(fifo.shift()).toBe(model.shift());
          else if (step === 'takeAll') {
            expect(fifo.takeAll()).toEqual(model);
            model = [];
          } else {
            fifo.push(step.push);
            model.push(step.push);
          }
          expect(fifo.size).toBe(model.length);
          expect(fifo.first).toBe(model[0]);
        }
      }),
    );
  });

  it('keeps its order when its head moves on for long', () => {
    const fifo = new Fifo<number>();
    let taken = 0;
    for (let index = 0; index < 10_000; index++) {
      fifo.push(index);
      if (index % 3 > 0) expect(fifo.shift()).toBe(taken++);
    }
    expect(fifo.size).toBe(10_000 - taken);
    expect(fifo.takeAll()[0]).toBe(taken);
  });
});
