/**
 * What is compared, each used as its documentation shows: default options, the API's own way to learn of completion.
 *
 * @typedef {(topic: string, payload: Uint8Array, contentType: string | undefined, unit: string | undefined) => void} OnMessage
 * @typedef {{
 *   publish(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, done: () => void): void,
 *   subscribe(filters: string | readonly string[], qos: 0 | 1 | 2, onMessage: OnMessage): Promise<void>,
 *   close(): Promise<void>,
 * }} Library
 * @typedef {{ version?: '3.1.1' | '5.0' | undefined, properties?: boolean | undefined }} Use
 */
import { messageProperties } from './message.mjs';

const { messageExpirySeconds, contentType, userProperty } = messageProperties;

/** @param {unknown} error */
export function fail(error) {
  console.error(error);
  process.exit(1);
}

/** @type {Readonly<Record<string, (url: string, use?: Use) => Promise<Library>>>} */
export const libraries = {
  'mqtt-kit': async (url, { version, properties } = {}) => {
    const { connect } = await import('mqtt-kit');
    const client = await connect(url, version === undefined ? {} : { version });
    const extra = properties
      ? { messageExpirySeconds, contentType, userProperties: [userProperty] }
      : undefined;
    return {
      publish(topic, payload, qos, done) {
        client.publish(topic, payload, extra ? { qos, ...extra } : { qos }).then(done, fail);
      },
      async subscribe(filters, qos, onMessage) {
        await client.subscribe(filters, { qos }, (message) => {
          if (!properties) onMessage(message.topic, message.payload, undefined, undefined);
          else {
            const unit = message.userProperties[0]?.[1];
            onMessage(message.topic, message.payload, message.contentType, unit);
          }
        });
      },
      async close() {
        await client.close();
      },
    };
  },
  'MQTT.js': async (url, { version, properties } = {}) => {
    const { default: mqtt } = await import('mqtt');
    const client = await mqtt.connectAsync(url, {
      reconnectPeriod: 0,
      ...(version !== undefined && { protocolVersion: version === '5.0' ? 5 : 4 }),
    });
    client.on('error', fail);
    const extra = properties && {
      messageExpiryInterval: messageExpirySeconds,
      contentType,
      userProperties: { [userProperty[0]]: userProperty[1] },
    };
    return {
      publish(topic, payload, qos, done) {
        const options = extra ? { qos, properties: extra } : { qos };
        client.publish(topic, /** @type {Buffer} */ (payload), options, (error) =>
          error ? fail(error) : done(),
        );
      },
      async subscribe(filters, qos, onMessage) {
        client.on('message', (topic, payload, packet) => {
          if (!properties) onMessage(topic, payload, undefined, undefined);
          else {
            const units = packet.properties?.userProperties?.[userProperty[0]];
            const unit = typeof units === 'string' ? units : units?.[0];
            onMessage(topic, payload, packet.properties?.contentType, unit);
          }
        });
        await client.subscribeAsync(typeof filters === 'string' ? filters : [...filters], { qos });
      },
      async close() {
        await client.endAsync();
      },
    };
  },
};
