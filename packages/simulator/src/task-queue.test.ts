import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { TaskQueue } from './task-queue.ts';

describe('a queue of tasks', () => {
  it('gives them in the order of time, and of one time in their own order, however they move', () => {
    const tasks = fc.array(fc.integer({ min: 0, max: 20 }), { maxLength: 60 });
    const moves = fc.array(fc.option(fc.integer({ min: 0, max: 20 }), { nil: undefined }), {
      maxLength: 200,
    });
    fc.assert(
      fc.property(tasks, moves, (times, steps) => {
        const queue = new TaskQueue(times.map((atMs, order) => ({ atMs, task: { order } })));
        const model = times.map((atMs, order) => ({ atMs, order }));
        for (const step of steps) {
          model.sort((a, b) => a.atMs - b.atMs || a.order - b.order);
          const [first] = model;
          expect(queue.first?.order).toBe(first?.order);
          expect(queue.firstMs).toBe(first?.atMs ?? Number.POSITIVE_INFINITY);
          if (first === undefined) return;
          if (step === undefined) {
            model.shift();
            queue.moveFirst(undefined);
          } else {
            first.atMs += step;
            queue.moveFirst(first.atMs);
          }
        }
      }),
    );
  });
});
