import type { DisconnectReason } from '@mqtt-kit/engine';
import { describe, expect, it } from 'vitest';
import type { LinkEnd } from './driver.ts';
import { MqttError } from './errors.ts';
import { VersionChoice } from './version-choice.ts';

const opened: LinkEnd = { error: undefined, wasOpened: true, endedBy: 'ourselves' };
const wordless: DisconnectReason = {
  kind: 'transportClosed',
  bytesReceived: 0,
  connackReceived: false,
};

function refused(reasonCode: number): DisconnectReason {
  return {
    kind: 'refused',
    connack: { type: 2, sessionPresent: false, reasonCode, properties: {} },
  };
}

describe('VersionChoice', () => {
  it('begins with 5.0, unless something else is wanted or stored', () => {
    expect(new VersionChoice('auto', undefined, undefined).version).toBe('5.0');
    expect(new VersionChoice('3.1.1', undefined, '5.0').version).toBe('3.1.1');
    expect(new VersionChoice('auto', undefined, '3.1.1').version).toBe('3.1.1');
  });

  it('falls back when the server does not know 5.0, or closes without a word', () => {
    for (const [reason, end] of [
      [refused(0x84), opened],
      [wordless, opened],
      [wordless, { ...opened, error: new Error('ECONNRESET') }],
      [wordless, { ...opened, error: new MqttError('connectionLost', 'reset') }],
    ] as const) {
      const versions = new VersionChoice('auto', undefined, undefined);
      expect(versions.fallBack(reason, end)).toBe(true);
      expect(versions.version).toBe('3.1.1');
      expect(versions.fallBack(reason, end)).toBe(false);
    }
  });

  it('does not fall back for any other reason', () => {
    const others: [DisconnectReason, LinkEnd][] = [
      [refused(0x85), opened],
      [refused(0x80), opened],
      [{ ...wordless, bytesReceived: 1 }, opened],
      [
        wordless,
        { error: new MqttError('connectionRefused', 'x'), wasOpened: false, endedBy: 'ourselves' },
      ],
      [
        wordless,
        { error: new MqttError('connectTimeout', 'x'), wasOpened: true, endedBy: 'ourselves' },
      ],
      [wordless, { error: new MqttError('tlsFailed', 'x'), wasOpened: true, endedBy: 'ourselves' }],
      [{ kind: 'keepAliveTimeout', silentMs: 1 }, opened],
      [{ kind: 'requested' }, opened],
    ];
    for (const [reason, end] of others) {
      const versions = new VersionChoice('auto', undefined, undefined);
      expect(versions.fallBack(reason, end)).toBe(false);
      expect(versions.version).toBe('5.0');
    }
  });

  it('does not fall back where something would be lost by it', () => {
    expect(new VersionChoice('5.0', undefined, undefined).fallBack(refused(0x84), opened)).toBe(
      false,
    );
    expect(
      new VersionChoice('auto', 'authentication', undefined).fallBack(refused(0x84), opened),
    ).toBe(false);
    expect(new VersionChoice('auto', undefined, '5.0').fallBack(refused(0x84), opened)).toBe(false);
    const late = new VersionChoice('auto', undefined, undefined);
    late.require50('properties of publish');
    expect(late.fallBack(wordless, opened)).toBe(false);
    const spoken = new VersionChoice('auto', undefined, undefined);
    spoken.taken();
    expect(spoken.fallBack(wordless, opened)).toBe(false);
  });

  it('tries 5.0 again after a failed attempt with 3.1.1, and keeps to 3.1.1 once it was taken', () => {
    const versions = new VersionChoice('auto', undefined, undefined);
    versions.fallBack(refused(0x84), opened);
    versions.attemptFailed();
    expect(versions.version).toBe('5.0');
    versions.fallBack(refused(0x84), opened);
    versions.taken();
    versions.attemptFailed();
    expect(versions.version).toBe('3.1.1');
  });

  it('says why something of 5.0 cannot be used', () => {
    expect(new VersionChoice('3.1.1', undefined, undefined).problemOf50).toBe(
      "needs MQTT 5.0; version is '3.1.1'",
    );
    const versions = new VersionChoice('auto', undefined, undefined);
    expect(versions.problemOf50).toBeUndefined();
    versions.fallBack(refused(0x84), opened);
    expect(versions.problemOf50).toBe('needs MQTT 5.0; the server speaks 3.1.1 only');
  });
});
