import { describe, expect, it } from 'vitest';
import { Ledger } from './ledger.ts';

/** A ledger with messages 1 to 3 of one topic on their way to the client. */
function setUp() {
  const ledger = new Ledger();
  for (const number of [1, 2, 3]) ledger.offer(number, 'in/0', 1, 1);
  const deliver = (number: number, mayBeDropped: boolean) =>
    ledger.deliver(number, 'in/0', false, 1, {
      surviving: false,
      ended: false,
      late: false,
      mayBeDropped,
    });
  return { ledger, deliver };
}

describe('the order of messages to the application', () => {
  it('is that in which they came', () => {
    const { deliver } = setUp();
    deliver(1, false);
    deliver(3, false);
    expect(() => deliver(2, false)).toThrow('message 2 on in/0 is delivered after 3');
  });

  it('says nothing of a copy behind newer messages whose first one was answered and dropped', () => {
    const { ledger, deliver } = setUp();
    deliver(1, false);
    deliver(3, false);
    deliver(2, true);
    expect([...ledger.droppedFirst]).toEqual([2]);
  });

  it('is judged where messages that may have been dropped come in order, and counts none of them', () => {
    const { ledger, deliver } = setUp();
    deliver(1, true);
    deliver(3, true);
    expect([...ledger.droppedFirst]).toEqual([]);
    expect(() => deliver(2, false)).toThrow('message 2 on in/0 is delivered after 3');
  });
});

describe('a message whose end is durable', () => {
  const kept = { surviving: true, ended: true, late: false, mayBeDropped: false };

  it('is not delivered again', () => {
    const { ledger } = setUp();
    const message = ledger.deliver(1, 'in/0', false, 1, { ...kept, ended: false });
    message.left = true;
    expect(() => ledger.deliver(1, 'in/0', true, 1, kept)).toThrow('again after its end');
  });

  it('comes as a new one where the server never heard that it was refused', () => {
    const { ledger } = setUp();
    const message = ledger.deliver(1, 'in/0', false, 1, { ...kept, ended: false });
    message.left = true;
    message.refused = true;
    expect(ledger.deliver(1, 'in/0', true, 1, kept).delivered).toBe(2);
  });

  it('comes to a loop that had it when its subscription ended, in that life', () => {
    const { ledger } = setUp();
    const message = ledger.deliver(1, 'in/0', false, 1, { ...kept, ended: false });
    message.heldByLoop = 2;
    expect(() => ledger.deliver(1, 'in/0', true, 3, kept)).toThrow('again after its end');
    expect(ledger.deliver(1, 'in/0', true, 2, kept).delivered).toBe(2);
  });
});

describe('a message that ends as if it had never been sent', () => {
  it('is not with the server', () => {
    const ledger = new Ledger();
    const message = ledger.publish(1, 'out', 1, 1);
    ledger.own(1, 'out', 1, 1);
    expect(() => ledger.settled(message, 'expired')).toThrow('and the server has it');
  });
});
