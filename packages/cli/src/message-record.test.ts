import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { testMessage } from './message.test-support.ts';
import { parseRecord, recordOf } from './message-record.ts';

describe('a record of a message', () => {
  it('loses nothing: any payload and any property come back', () => {
    const text = fc.string({ unit: 'grapheme' });
    fc.assert(
      fc.property(
        fc.uint8Array(),
        text,
        fc.constantFrom(0 as const, 1 as const, 2 as const),
        fc.boolean(),
        fc.option(fc.uint8Array(), { nil: undefined }),
        fc.array(fc.tuple(text, text)),
        (payload, topic, qos, retain, correlationData, userProperties) => {
          const properties = {
            contentType: topic,
            messageExpirySeconds: 7,
            correlationData,
            userProperties,
          };
          const message = testMessage({ topic, payload, qos, retain, ...properties });
          const line = JSON.stringify(recordOf(message, 1_700_000_000_123));
          expect(line).not.toContain('\n');
          const record = parseRecord(line);
          expect(record).toMatchObject({ topic, qos, retain, epochMs: 1_700_000_000_123 });
          expect(Buffer.compare(record.payload, payload)).toBe(0);
          expect(record.properties.contentType).toBe(topic);
          expect(record.properties.userProperties ?? []).toEqual(userProperties);
          expect(record.properties.correlationData).toEqual(correlationData);
        },
      ),
    );
  });

  it('names the encoding of a payload that is no UTF-8', () => {
    const record = recordOf(testMessage({ payload: Uint8Array.of(0xff, 0) }), 0);
    expect(record).toMatchObject({ payload: '/wA=', payloadEncoding: 'base64', size: 2 });
  });

  it('takes a payload of JSON for its text', () => {
    const { payload } = parseRecord('{"topic":"t","payload":{"a":[1]}}');
    expect(new TextDecoder().decode(payload)).toBe('{"a":[1]}');
    expect(parseRecord('{"topic":"t","payload":null}').payload).toHaveLength(0);
  });

  it.each([
    ['{', 'it is not JSON'],
    ['[]', 'it is not a JSON object'],
    ['{"topic":1}', 'topic must be a string'],
    ['{"topic":"t","qos":3}', 'qos must be 0, 1 or 2'],
    ['{"topic":"t","payload":"%","payloadEncoding":"base64"}', 'payload is not base64'],
    ['{"topic":"t","payload":"x","payloadEncoding":"hex"}', 'payloadEncoding must be'],
    ['{"topic":"t","tpoic":"x"}', 'unknown name "tpoic"'],
    ['{"topic":"t","properties":{"x":1}}', 'properties has the unknown name "x"'],
    ['{"topic":"t","ts":"yesterday"}', 'ts must be a time'],
  ])('%s is refused', (line, problem) => {
    expect(() => parseRecord(line)).toThrow(problem);
  });
});
