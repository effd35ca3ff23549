import { describe, expect, it } from 'vitest';
import { targetOf } from './handler-record.test-support.ts';
import { connectError, lostError } from './network-error.ts';

function failure(code: string, address?: string): Error {
  return Object.assign(new Error(`connect ${code}`), { code, address });
}

const far = targetOf('mqtt', 1883, { hostname: 'broker.test' });

describe('connectError', () => {
  it.each([
    ['ENOTFOUND', 'hostNotFound', /host not found$/, /spelling/],
    ['EAI_AGAIN', 'hostNotFound', /the name service did not answer$/, /DNS/],
    ['ECONNREFUSED', 'connectionRefused', /connection refused$/, /listening/],
    ['ECONNRESET', 'connectionRefused', /connection reset$/, /listening/],
    ['EHOSTUNREACH', 'connectionRefused', /host unreachable$/, /network/],
    ['ENETUNREACH', 'connectionRefused', /network unreachable$/, /network/],
    ['ETIMEDOUT', 'connectionRefused', /no answer$/, /firewalls/],
    ['EMFILE', 'connectionRefused', /too many open files$/, /ulimit/],
    ['EWHATEVER', 'connectionRefused', /connect EWHATEVER$/, /network/],
  ])('explains %s', (code, ours, message, hint) => {
    const error = connectError(far, failure(code));
    expect(error.code).toBe(ours);
    expect(error.message).toMatch(/^cannot connect to broker\.test:1883: /);
    expect(error.message).toMatch(message);
    expect(error.hint).toMatch(hint);
  });

  it('unpacks what was tried into one line', () => {
    const error = new AggregateError([
      failure('ENETUNREACH', '2001:db8::1'),
      failure('ECONNREFUSED', '192.0.2.1'),
    ]);
    expect(connectError(far, error).message).toBe(
      'cannot connect to broker.test:1883: ' +
        '2001:db8::1: network unreachable; 192.0.2.1: connection refused',
    );
  });

  it('suggests the scheme that goes with the port', () => {
    const refused = failure('ECONNREFUSED');
    expect(connectError(targetOf('mqtt', 8883), refused).hint).toContain('mqtts://');
    expect(connectError(targetOf('ws', 8884), refused).hint).toContain('wss://');
    expect(connectError(targetOf('mqtts', 1883), refused).hint).toContain('mqtt://');
    expect(connectError(targetOf('mqtts', 8883), refused).hint).not.toContain('://');
  });

  it('writes IPv6 addresses in brackets', () => {
    const target = targetOf('mqtt', 1883, { hostname: 'fe80::1%eth0' });
    expect(connectError(target, failure('ENETUNREACH')).message).toContain('[fe80::1%eth0]:1883');
  });
});

describe('lostError', () => {
  it('says why the connection was lost', () => {
    expect(lostError(far, failure('ECONNRESET'))).toMatchObject({
      code: 'connectionLost',
      message: 'the connection to broker.test:1883 was lost: connection reset',
    });
  });
});
