import { noProperties } from '@mqtt-kit/packet';
import { describe, expect, it } from 'vitest';
import { MqttUsageError } from './errors.ts';
import type { PublishOptions } from './options.ts';
import { outgoingMessage } from './outgoing-message.ts';

function problem(topic: unknown, options?: unknown, problemOf50?: string): string {
  try {
    outgoingMessage(topic, 'x', options as PublishOptions, problemOf50);
  } catch (error) {
    expect(error).toBeInstanceOf(MqttUsageError);
    return (error as Error).message;
  }
  throw new Error('it was taken');
}

describe('outgoingMessage', () => {
  it('is QoS 0, not retained and without properties unless told', () => {
    const message = outgoingMessage('a/b', 'x');
    expect(message).toMatchObject({ topic: 'a/b', qos: 0, retain: false });
    expect(message.properties).toBe(noProperties);
    expect(outgoingMessage('a/b', 'x', { qos: 2, retain: true, timeoutMs: 5 })).toMatchObject({
      qos: 2,
      retain: true,
    });
  });

  it('puts the properties under their names on the wire', () => {
    const correlationData = Uint8Array.of(1, 2);
    const { properties } = outgoingMessage('a', 'x', {
      payloadFormatIndicator: 1,
      messageExpirySeconds: 60,
      contentType: 'text/plain',
      responseTopic: 'r/1',
      correlationData,
      userProperties: [
        ['k', '1'],
        ['k', '2'],
      ],
    });
    expect(properties).toEqual({
      payloadFormatIndicator: 1,
      messageExpiryInterval: 60,
      contentType: 'text/plain',
      responseTopic: 'r/1',
      correlationData: Uint8Array.of(1, 2),
      userProperties: [
        ['k', '1'],
        ['k', '2'],
      ],
    });
    correlationData[0] = 9;
    expect(properties.correlationData).toEqual(Uint8Array.of(1, 2));
  });

  it('refuses topics that cannot be published to, also after a good one', () => {
    outgoingMessage('good', 'x');
    expect(problem('')).toBe('topic "" must not be empty');
    for (const topic of ['a/#', 'a/+/b', 'a\0', 'x'.repeat(65_536)]) {
      expect(problem(topic)).toContain('topic "');
    }
    for (const topic of [undefined, 5, null, {}]) {
      expect(problem(topic)).toContain('topic must be a string; got ');
    }
  });

  it('refuses options that cannot be', () => {
    const cases: [unknown, string][] = [
      [{ qos: 3 }, 'qos must be 0, 1 or 2; got 3'],
      [{ qos: '1' }, 'got "1"'],
      [{ retain: 'false' }, 'retain must be true or false'],
      [{ messageExpirySeconds: -1 }, 'messageExpirySeconds must be a whole number'],
      [{ messageExpirySeconds: 4_294_967_296 }, 'from 0 to 4,294,967,295'],
      [{ payloadFormatIndicator: 2 }, 'payloadFormatIndicator must be 0 or 1'],
      [{ responseTopic: 'a/#' }, 'responseTopic "a/#" must not contain wildcards'],
      [{ contentType: 5 }, 'contentType must be a string'],
      [{ correlationData: 'x' }, 'correlationData must be a Uint8Array'],
      [{ userProperties: { a: 'b' } }, 'an array of [name, value] pairs'],
      [{ userProperties: [['a', 1]] }, 'the value in userProperties[0] must be a string; got 1'],
      [{ userProperties: [['a']] }, 'userProperties[0]'],
      [{ timeoutMs: -1 }, 'timeoutMs'],
      [{ signal: {} }, 'signal must be an AbortSignal'],
      [{ QoS: 1 }, 'unknown name "QoS". Did you mean qos?'],
      [null, 'options of publish must be an object; got null'],
      ['x', 'options of publish must be an object'],
    ];
    for (const [options, message] of cases) expect(problem('a', options)).toContain(message);
  });

  it('says that 3.1.1 has no properties', () => {
    expect(problem('a', { contentType: 'x' }, "needs MQTT 5.0; version is '3.1.1'")).toBe(
      "contentType needs MQTT 5.0; version is '3.1.1'",
    );
    expect(outgoingMessage('a', 'x', { qos: 1 }, 'needs MQTT 5.0').qos).toBe(1);
  });
});
