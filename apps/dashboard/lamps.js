import { connect } from 'mqtt-kit';

/**
 * A lamp in every room that somebody switches: it does as `house/<room>/light/set` says, and says of itself on
 * `house/<room>/light`, retained, what it does. Returns what ends it.
 *
 * @param {string} url
 * @param {readonly string[]} rooms Rooms whose lamps say at once that they are off.
 */
export async function startLamps(url, rooms) {
  const lamps = await connect(url);
  /** @param {string} room @param {string} state */
  const say = (room, state) =>
    lamps.publish(`house/${room}/light`, state, { qos: 1, retain: true }).catch(() => {});
  await lamps.subscribe('house/+room/light/set', { qos: 1 }, async (message) => {
    const state = message.text();
    if (state === 'on' || state === 'off') await say(message.params.room, state);
  });
  await Promise.all(rooms.map((room) => say(room, 'off')));
  return () => lamps.close({ timeoutMs: 0 });
}
