import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import * as errors from './errors.ts';
import { MqttBreachError, MqttError, MqttUsageError } from './errors.ts';
import type * as subscribeErrors from './subscribe-error.ts';
import { MqttSubscribeError } from './subscribe-error.ts';

// The module under another address is a copy of its own, as a second version of the package would be.
const copy: typeof errors = await import(`./errors.ts?${'copy'}`);
const copied: typeof subscribeErrors = await import(`./subscribe-error.ts?${'copy'}`);

describe('MqttError', () => {
  it('carries what the server said and what to do', () => {
    const cause = new Error('socket');
    const error = new MqttError('serverRefused', 'it said no', {
      reasonCode: 0x89,
      reasonString: 'busy',
      properties: { reasonString: 'busy' },
      hint: 'Try again later.',
      cause,
    });
    expect(error).toMatchObject({
      name: 'MqttError',
      code: 'serverRefused',
      message: 'it said no',
      reasonCode: 0x89,
      reasonString: 'busy',
      properties: { reasonString: 'busy' },
      hint: 'Try again later.',
      cause,
    });
    expect('cause' in new MqttError('timeout', 'late')).toBe(false);
  });

  it('tells local misuse and remote breach apart', () => {
    const usage = new MqttUsageError('qos must be 0, 1 or 2; got 3');
    const breach = new MqttBreachError('protocolError', 'a second CONNACK');
    expect(usage).toBeInstanceOf(MqttError);
    expect(usage).toBeInstanceOf(MqttUsageError);
    expect(usage).not.toBeInstanceOf(MqttBreachError);
    expect(usage.code).toBe('invalidArgument');
    expect(breach).toBeInstanceOf(MqttError);
    expect(breach).not.toBeInstanceOf(MqttUsageError);
    expect(new MqttError('timeout', '')).not.toBeInstanceOf(MqttUsageError);
  });

  it('is known to another copy of the package', () => {
    expect(copy.MqttError).not.toBe(MqttError);
    expect(new copy.MqttUsageError('x')).toBeInstanceOf(MqttError);
    expect(new copy.MqttUsageError('x')).toBeInstanceOf(MqttUsageError);
    expect(new copy.MqttUsageError('x')).not.toBeInstanceOf(MqttBreachError);
    expect(copied.MqttSubscribeError).not.toBe(MqttSubscribeError);
    expect(new copied.MqttSubscribeError('subscribeRefused', 'x', [], undefined)).toBeInstanceOf(
      MqttSubscribeError,
    );
  });

  it('does not take other values, nor other classes derived from it, for its own', () => {
    class Own extends MqttError {}
    expect(new MqttError('timeout', '')).not.toBeInstanceOf(Own);
    expect(new Own('timeout', '')).toBeInstanceOf(Own);
    expect(new Own('timeout', '')).toBeInstanceOf(MqttError);
    for (const value of [undefined, null, 5, 'x', {}, new Error('x')]) {
      expect((value as unknown) instanceof MqttError).toBe(false);
    }
  });

  it('shows its code when printed', () => {
    expect(inspect(new MqttError('queueFull', 'no room'))).toContain("code: 'queueFull'");
  });
});

describe('asError', () => {
  it('makes an error of anything that was thrown', () => {
    const error = new TypeError('x');
    expect(errors.asError(error)).toBe(error);
    expect(errors.asError('text')).toMatchObject({ message: 'text', cause: 'text' });
    expect(errors.asError(undefined).message).toBe('undefined');
    const hostile = {
      toString() {
        throw new Error('no text');
      },
    };
    expect(errors.asError(hostile).message).toBe('something without a text was thrown');
  });
});
