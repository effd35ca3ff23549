import { MqttError } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { outputReport, reportOf, unpublishedReport, usageReport } from './report-error.ts';
import { UsageError } from './usage-error.ts';

describe('reportOf', () => {
  it("speaks of the programs' options, not of the library's", () => {
    const hintOf = (hint: string) => reportOf(new MqttError('tlsFailed', 'x', { hint }), {}).hint;
    expect(hintOf('If it is the right one, give it by tls.ca.')).toBe(
      'If it is the right one, give it by --cafile.',
    );
    expect(hintOf('Give a client certificate by tls.cert and tls.key.')).toBe(
      'Give a client certificate by --cert and --key.',
    );
    expect(hintOf('Try mqtts://.')).toBe('Try -L mqtts://HOST:PORT.');
    expect(hintOf('Is a server listening there? Check host and port.')).toBe(
      'Is a server listening there? Check -h HOST and -p PORT.',
    );
  });

  it('says what a server that refuses us was not told', () => {
    const error = new MqttError('notAuthorized', 'refused', { hint: 'Check the user name.' });
    expect(reportOf(error, {}).hint).toMatch(/^No user name was given: add -u NAME/);
    expect(reportOf(error, { username: 'me' }).hint).toMatch(/without a password: give it by MQTT/);
    expect(reportOf(error, { password: 'x' }).hint).toMatch(
      /password was sent without a user name/,
    );
    expect(reportOf(error, { username: 'me', password: 'x' }).hint).toBe('Check the user name.');
  });
});

describe('other reports', () => {
  it('count what was not published, when it is more than the one message', () => {
    const report = { what: 'refused' };
    expect(unpublishedReport(report, { total: 1, unpublished: 1 })).toEqual(report);
    expect(unpublishedReport(report, { total: 9, unpublished: 2 }).why).toBe(
      '2 of 9 messages were not published.',
    );
  });

  it('point to --help when nothing better can be said', () => {
    expect(usageReport(new UsageError('x'), 'mqtt-sub').hint).toBe('Try: mqtt-sub --help');
    expect(usageReport(new UsageError('x', 'y'), 'mqtt-sub').hint).toBe('y');
  });

  it('name a full disk in words', () => {
    const full = Object.assign(new Error('ENOSPC: no space left on device, write'), {
      code: 'ENOSPC',
    });
    expect(outputReport(full).what).toBe(
      'cannot write to standard output: no space left on the device',
    );
  });
});
