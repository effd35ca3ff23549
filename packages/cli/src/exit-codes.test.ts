import { MqttError, type MqttErrorCode } from 'mqtt-kit';
import { describe, expect, it } from 'vitest';
import { exitCodeOf, giveUpExitCode } from './exit-codes.ts';

const exit = (code: MqttErrorCode, reasonCode?: number) =>
  exitCodeOf(new MqttError(code, 'x', { reasonCode }), 'mqtt-sub');
const giveUp = (code: MqttErrorCode, everConnected: boolean) =>
  giveUpExitCode(new MqttError(code, 'x'), 'mqtt-pub', everConnected);

describe('exitCodeOf', () => {
  it.each<[MqttErrorCode, number]>([
    ['invalidArgument', 64],
    ['hostNotFound', 68],
    ['connectionRefused', 69],
    ['connectTimeout', 69],
    ['publishRefused', 73],
    ['subscribeRefused', 74],
    ['connectionLost', 75],
    ['sessionTakenOver', 75],
    ['tlsFailed', 76],
    ['malformedPacket', 76],
    ['protocolError', 76],
    ['notAuthorized', 77],
    ['storeFailed', 1],
    ['storeCorrupt', 1],
    ['storeLocked', 1],
  ])('%s is %d', (code, expected) => {
    expect(exit(code)).toBe(expected);
  });

  it('a refused connection depends on the reason', () => {
    expect(exit('serverRefused', 0x88)).toBe(69);
    expect(exit('serverRefused', 0x86)).toBe(77);
    expect(exit('serverRefused', 0x84)).toBe(76);
    expect(exit('serverRefused')).toBe(69);
  });

  it('a limit of the server refuses what the program wants', () => {
    const limit = new MqttError('serverLimit', 'x');
    expect([exitCodeOf(limit, 'mqtt-pub'), exitCodeOf(limit, 'mqtt-sub')]).toEqual([73, 74]);
  });
});

describe('giveUpExitCode', () => {
  it('is the loss, whatever kept the client from coming back', () => {
    expect(giveUp('connectionRefused', true)).toBe(75);
    expect(giveUp('hostNotFound', true)).toBe(75);
    expect(giveUp('connectionLost', true)).toBe(75);
  });

  it('is what was in the way when the server never accepted the connection', () => {
    expect(giveUp('connectionRefused', false)).toBe(69);
    expect(giveUp('hostNotFound', false)).toBe(68);
    expect(giveUp('connectionLost', false)).toBe(69);
  });

  it('is the reason when coming back would not help', () => {
    expect(giveUp('notAuthorized', true)).toBe(77);
    expect(giveUp('sessionTakenOver', true)).toBe(75);
    expect(giveUp('protocolError', true)).toBe(76);
  });
});
