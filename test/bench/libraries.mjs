/**
 * What is compared, each used as its documentation shows: default options, the API's own way to learn of completion.
 *
 * @typedef {{
 *   publish(topic: string, payload: Uint8Array, qos: 0 | 1 | 2, done: () => void): void,
 *   subscribe(filter: string, qos: 0 | 1 | 2, onMessage: (topic: string, payload: Uint8Array) => void): Promise<void>,
 *   close(): Promise<void>,
 * }} Library
 */

/** @param {unknown} error */
function fail(error) {
  console.error(error);
  process.exit(1);
}

/** @type {Readonly<Record<string, (url: string) => Promise<Library>>>} */
export const libraries = {
  'mqtt-kit': async (url) => {
    const { connect } = await import('mqtt-kit');
    const client = await connect(url);
    return {
      publish(topic, payload, qos, done) {
        client.publish(topic, payload, { qos }).then(done, fail);
      },
      async subscribe(filter, qos, onMessage) {
        await client.subscribe(filter, { qos }, (message) =>
          onMessage(message.topic, message.payload),
        );
      },
      async close() {
        await client.close();
      },
    };
  },
  'MQTT.js': async (url) => {
    const { default: mqtt } = await import('mqtt');
    const client = await mqtt.connectAsync(url, { reconnectPeriod: 0 });
    client.on('error', fail);
    return {
      publish(topic, payload, qos, done) {
        client.publish(topic, /** @type {Buffer} */ (payload), { qos }, (error) =>
          error ? fail(error) : done(),
        );
      },
      async subscribe(filter, qos, onMessage) {
        client.on('message', onMessage);
        await client.subscribeAsync(filter, { qos });
      },
      async close() {
        await client.endAsync();
      },
    };
  },
};
