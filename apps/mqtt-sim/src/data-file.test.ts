import { describe, expect, it } from 'vitest';
import { DataFile } from './data-file.ts';
import { fleetOfText } from './definition-file.ts';
import { exitCodeOf } from './exit-codes.ts';
import { UsageError } from './usage-error.ts';

/** What is told of a text; the files that it names are these. */
const files: Readonly<Record<string, string>> = {
  'ok.csv': 'time,celsius\n2026-01-01,4\n2026-01-02,5\n',
  'cells.csv': 'time,celsius\n2026-01-01,4,5\n',
  'time.csv': 'time,celsius\n2026-01-01,4\nyesterday,5\n',
  'none.csv': 'when,celsius\n2026-01-01,4\n',
  'empty.csv': '',
  'header.csv': 'time,celsius\n',
  'bad.ndjson': '{"time":1}\n{"time":\n',
  'quote.csv': 'time,celsius\n2026-01-01,"4\n',
  'twice.csv': 'time,x,x\n2026-01-01,4,5\n',
};

function mistakeIn(text: string): string {
  try {
    const fleet = fleetOfText(
      new DataFile(text, 'x.yaml'),
      (name) => {
        if (name in files) return files[name] ?? '';
        throw new UsageError(`${name} cannot be read: there is no such file`);
      },
      {},
    );
    // Some mistakes show when the first reading is made.
    for (const _ of fleet.messages({ count: 1 }));
  } catch (error) {
    expect(error).toBeInstanceOf(UsageError);
    expect(exitCodeOf(error)).toBe(64);
    return (error as UsageError).message;
  }
  return 'none';
}

describe('a definition with a mistake', () => {
  it.each([
    ['signals: {}\n', '1:10: signals: must have at least one field; given was {}'],
    ['signals: [1]\n', '1:10: signals: must be an object of fields; given was [1]'],
    ['signals:\n', '1:9: signals: must have a value, or be left out; given was null'],
    ['signals: 5\n', '1:10: signals: must be an object of fields; given was 5'],
    ['count: 2\n', '1:1: signals: must be an object of fields; given was nothing'],
    [
      'count: many\nsignals: { a: 1 }\n',
      '1:8: count: must be a whole number from 1 to 1000000; given was "many"',
    ],
    [
      'count: -1\nsignals: { a: 1 }\n',
      '1:8: count: must be a whole number from 1 to 1000000; given was -1',
    ],
    [
      'count: 1.5\nsignals: { a: 1 }\n',
      '1:8: count: must be a whole number from 1 to 1000000; given was 1.5',
    ],
    ['every: 0\nsignals: { a: 1 }\n', '1:8: every: it must be more than 0 and finite; given was 0'],
    [
      'every: 10 sec\nsignals: { a: 1 }\n',
      '1:8: every: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was "10 sec"',
    ],
    [
      'every: -5\nsignals: { a: 1 }\n',
      '1:8: every: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was -5',
    ],
    [
      'every:\nsignals: { a: 1 }\n',
      '1:7: every: must have a value, or be left out; given was null',
    ],
    [
      'every: {a: 1}\nsignals: { a: 1 }\n',
      '1:8: every: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was {"a":1}',
    ],
    ['jitter: 2\nsignals: { a: 1 }\n', '1:9: jitter: must be from 0 to 1; given was 2'],
    ['jitter: 10%\nsignals: { a: 1 }\n', '1:9: jitter: must be from 0 to 1; given was "10%"'],
    [
      'jitter:\nsignals: { a: 1 }\n',
      '1:8: jitter: must have a value, or be left out; given was null',
    ],
    [
      'stagger: yes please\nsignals: { a: 1 }\n',
      '1:10: stagger: must be true or false; given was "yes please"',
    ],
    ['seed: [1]\nsignals: { a: 1 }\n', '1:7: seed: must be a number or a text; given was [1]'],
    ['seed:\nsignals: { a: 1 }\n', '1:6: seed: must have a value, or be left out; given was null'],
    ['seed: .nan\nsignals: { a: 1 }\n', '1:7: seed: must be a number or a text; given was NaN'],
    ['name: 5\nsignals: { a: 1 }\n', '1:7: name: must be a text; given was 5'],
    ['name:\nsignals: { a: 1 }\n', '1:6: name: must have a value, or be left out; given was null'],
    ['name: a+b\nsignals: { a: 1 }\n', '1:7: name: must be without + and #; given was "a+b"'],
    [
      'name: "a#"\nsignals: { a: 1 }\npresence: true\n',
      '1:7: name: must be without + and #; given was "a#"',
    ],
    [
      'id: 5\nsignals: { a: 1 }\n',
      '1:5: id: must be a text such as "meter-{n}", or a function of the index; given was 5',
    ],
    ['id:\nsignals: { a: 1 }\n', '1:4: id: must have a value, or be left out; given was null'],
    [
      'id: "x-{room}"\nsignals: { a: 1 }\n',
      '1:5: id: {room} is no name here; there are n, index, name',
    ],
    [
      'count: 2\nid: same\nsignals: { a: 1 }\n',
      '2:5: id: must give each device another identifier; given was "same"',
    ],
    [
      'id: [a]\nsignals: { a: 1 }\n',
      '1:5: id: must be a text such as "meter-{n}", or a function of the index; given was ["a"]',
    ],
    [
      'devices: {a: 1}\nsignals: { a: 1 }\n',
      '1:10: devices: must be a list of at least one device; given was {"a":1}',
    ],
    [
      'devices: []\nsignals: { a: 1 }\n',
      '1:10: devices: must be a list of at least one device; given was []',
    ],
    [
      'devices: [1, 2]\nsignals: { a: 1 }\n',
      '1:11: devices.0: must be an identifier, or an object with id; given was 1',
    ],
    [
      'devices: [a, a]\nsignals: { a: 1 }\n',
      '1:10: devices: must give each device another identifier; given was "a"',
    ],
    [
      'devices: ["a+"]\nsignals: { a: 1 }\n',
      '1:10: devices: must give identifiers without + and #; given was "a+"',
    ],
    [
      'devices: [{room: k}]\nsignals: { a: 1 }\n',
      '1:11: devices.0: must be an identifier, or an object with id; given was {"room":"k"}',
    ],
    [
      'devices: [{id: 7}]\nsignals: { a: 1 }\n',
      '1:11: devices.0: must be an identifier, or an object with id; given was {"id":7}',
    ],
    [
      'devices: [null]\nsignals: { a: 1 }\n',
      '1:11: devices.0: must be an identifier, or an object with id; given was null',
    ],
    [
      'count: 2\ndevices: [a]\nsignals: { a: 1 }\n',
      '1:8: count: does not go with devices; given was 2',
    ],
    [
      'devices: kitchen\nsignals: { a: 1 }\n',
      '1:10: devices: must be a list of at least one device; given was "kitchen"',
    ],
    ['state: [1]\nsignals: { a: 1 }\n', '1:8: state: must be an object; given was [1]'],
    ['state: 5\nsignals: { a: 1 }\n', '1:8: state: must be an object; given was 5'],
    [
      'state:\nsignals: { a: 1 }\n',
      '1:7: state: must have a value, or be left out; given was null',
    ],
    ['publish: [a]\nsignals: { a: 1 }\n', '1:10: publish: must be an object; given was ["a"]'],
    ['publish: a\nsignals: { a: 1 }\n', '1:10: publish: must be an object; given was "a"'],
    [
      'publish: {}\nsignals: { a: 1 }\n',
      '1:10: publish: must have at least one topic; given was {}',
    ],
    [
      'publish:\nsignals: { a: 1 }\n',
      '1:9: publish: must have a value, or be left out; given was null',
    ],
    [
      'publish: { "a/+": a }\nsignals: { a: 1 }\n',
      '1:19: publish.a/+: the topic "a/+" must not contain wildcards, found "+" at index 2',
    ],
    [
      'publish: { "a/{room}": a }\nsignals: { a: 1 }\n',
      '1:24: publish.a/{room}: {room} is no name here; there are id, n, index, name, a',
    ],
    ['publish: { t: b }\nsignals: { a: 1 }\n', '1:15: publish.t: must be one of a; given was "b"'],
    [
      'publish: { t: [a, b] }\nsignals: { a: 1 }\n',
      '1:19: publish.t.1: must be one of a; given was "b"',
    ],
    [
      'publish: { t: 5 }\nsignals: { a: 1 }\n',
      '1:15: publish.t: must be a field, or a list of fields; given was 5',
    ],
    [
      'publish: { t: { payload: a, qus: 1 } }\nsignals: { a: 1 }\n',
      '1:34: publish.t.qus: what is published has no "qus", did you mean "qos"?',
    ],
    [
      'publish: { t: { payload: a, qos: 3 } }\nsignals: { a: 1 }\n',
      '1:34: publish.t.qos: must be 0, 1 or 2, not 3',
    ],
    [
      'publish: { t: { payload: a, qos: "1" } }\nsignals: { a: 1 }\n',
      '1:34: publish.t.qos: must be 0, 1 or 2, not "1"',
    ],
    [
      'publish: { t: { payload: a, retain: 1 } }\nsignals: { a: 1 }\n',
      '1:37: publish.t.retain: must be true or false, not 1',
    ],
    [
      'publish: { t: { payload: a, every: soon } }\nsignals: { a: 1 }\n',
      '1:36: publish.t.every: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was "soon"',
    ],
    [
      'publish: { t: }\nsignals: { a: 1 }\n',
      '1:15: publish.t: must be a field, a list of fields, or an object; given was null',
    ],
    [
      'publish: { t: { payload: { a: b } } }\nsignals: { a: 1 }\n',
      '1:15: publish.t: must be a field, or a list of fields; given was {"a":"b"}',
    ],
    [
      'publish: { t: [] }\nsignals: { a: 1 }\n',
      '1:15: publish.t: must be a field, or a list of fields; given was []',
    ],
    [
      'publish: { t: "x{zz}" }\nsignals: { a: 1 }\n',
      '1:15: publish.t: {zz} is no name here; there are a, id, n, index, name',
    ],
    ['publish: { "": a }\nsignals: { a: 1 }\n', '1:16: publish.: the topic "" must not be empty'],
    [
      'presence: yes please\nsignals: { a: 1 }\n',
      '1:11: presence: presence must be an object, not "yes please"',
    ],
    ['presence: 1\nsignals: { a: 1 }\n', '1:11: presence: presence must be an object, not 1'],
    [
      'presence: { topc: x }\nsignals: { a: 1 }\n',
      '1:19: presence.topc: presence has no "topc", did you mean "topic"?',
    ],
    [
      'presence: { topic: "a/#" }\nsignals: { a: 1 }\n',
      '1:11: presence: the topic "a/#" must not contain wildcards, found "#" at index 2',
    ],
    ['presence: { qos: 5 }\nsignals: { a: 1 }\n', '1:18: presence.qos: must be 0, 1 or 2, not 5'],
    [
      'presence: { topic: 5 }\nsignals: { a: 1 }\n',
      '1:11: presence: the topic must be a text; given was 5',
    ],
    [
      'presence:\nsignals: { a: 1 }\n',
      '1:10: presence: must have a value, or be left out; given was null',
    ],
    [
      'commands: { "x/set": target }\nsignals: { a: 1 }\n',
      '1:22: commands.x/set: must be of the state, which has nothing; given was "target"',
    ],
    [
      'commands: { "x/set": 5 }\nstate: { target: 1 }\nsignals: { a: 1 }\n',
      '1:22: commands.x/set: must be a function or names of state; given was 5',
    ],
    [
      'commands: { "x/#/set": target }\nstate: { target: 1 }\nsignals: { a: 1 }\n',
      '1:24: commands.x/#/set: the topic "x/#/set" must have "#" in its last level only, found it at index 2',
    ],
    ['commands: [a]\nsignals: { a: 1 }\n', '1:11: commands: must be an object; given was ["a"]'],
    [
      'commands:\nsignals: { a: 1 }\n',
      '1:10: commands: must have a value, or be left out; given was null',
    ],
    [
      'commands: target\nstate: { target: 1 }\nsignals: { a: 1 }\n',
      '1:11: commands: must be an object; given was "target"',
    ],
    [
      'faults: { fault: stuck }\nsignals: { a: 1 }\n',
      '1:9: faults: must be a list; given was {"fault":"stuck"}',
    ],
    [
      'faults: [{ fault: stuk, every: 1h }]\nsignals: { a: 1 }\n',
      '1:10: faults.0: must be an object whose fault is one of stuck, spike, drift, dropout, duplicate, outOfOrder, clockSkew, offline, reconnectStorm; given',
    ],
    [
      'faults: [{ fault: stuck }]\nsignals: { a: 1 }\n',
      '1:10: faults.0: takes one of every, meanEvery and chance; given was none',
    ],
    [
      'faults: [{ fault: stuck, every: 1h, chance: 0.1 }]\nsignals: { a: 1 }\n',
      '1:10: faults.0: takes one of every, meanEvery and chance; given were every and chance',
    ],
    [
      'faults: [{ fault: stuck, evry: 1h }]\nsignals: { a: 1 }\n',
      '1:32: faults.0.evry: the fault stuck has no "evry", did you mean "every"?',
    ],
    [
      'faults: [{ fault: spike, every: 1h }]\nsignals: { a: 1 }\n',
      '1:10: faults.0.size: must be a number; given was nothing',
    ],
    [
      'faults: [{ fault: dropout, chance: 5 }]\nsignals: { a: 1 }\n',
      '1:36: faults.0.chance: must be from 0 to 1, not 5',
    ],
    [
      'faults: [{ fault: dropout, chance: 5% }]\nsignals: { a: 1 }\n',
      '1:36: faults.0.chance: must be from 0 to 1, not "5%"',
    ],
    [
      'faults: [{ fault: dropout, every: 1h, for: 2h }]\nsignals: { a: 1 }\n',
      '1:44: faults.0.for: for must not be longer than every',
    ],
    [
      'faults: [{ fault: drift, every: 1h, for: 5m }]\nsignals: { a: 1 }\n',
      '1:10: faults.0.perHour: must be a number; given was nothing',
    ],
    [
      'faults: [{ fault: drift, every: 1h, for: 5m, perHour: 2, recovery: slow }]\nsignals: { a: 1 }\n',
      '1:68: faults.0.recovery: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was "slow"',
    ],
    [
      'faults: [{ fault: clockSkew, every: 1h, by: later }]\nsignals: { a: 1 }\n',
      '1:45: faults.0.by: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was "later"',
    ],
    [
      'faults: [{ fault: clockSkew, every: 1h, by: [1] }]\nsignals: { a: 1 }\n',
      '1:45: faults.0.by: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was [1]',
    ],
    [
      'faults: [{ fault: offline, every: 1h }]\nsignals: { a: 1 }\n',
      '1:10: faults.0.for: is needed: how long it lasts; given was nothing',
    ],
    [
      'faults: [{ fault: reconnectStorm, meanEvery: 1h, for: 1s }]\nsignals: { a: 1 }\n',
      '1:10: faults.0.every: is needed: a storm is the same for all; given was nothing',
    ],
    [
      'faults: [{ fault: stuck, every: 1h, fields: [b] }]\nsignals: { a: 1 }\n',
      '1:46: faults.0.fields.0: must be one of a; given was "b"',
    ],
    [
      'faults: [{ fault: stuck, every: 1h, fields: a }]\nsignals: { a: 1 }\n',
      '1:45: faults.0.fields: must be a list of at least one field; given was "a"',
    ],
    [
      'faults:\nsignals: { a: 1 }\n',
      '1:8: faults: must have a value, or be left out; given was null',
    ],
    [
      'faults: [stuck]\nsignals: { a: 1 }\n',
      '1:10: faults.0: must be an object whose fault is one of stuck, spike, drift, dropout, duplicate, outOfOrder, clockSkew, offline, reconnectStorm; given',
    ],
    [
      'faults: [{ fault: stuck, every: 1h, first: -1 }]\nsignals: { a: 1 }\n',
      '1:44: faults.0.first: it must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was -1',
    ],
    [
      'faults: [{ fault: stuck, every: 1h, fields: [] }]\nsignals: { a: 1 }\n',
      '1:45: faults.0.fields: must be a list of at least one field; given was []',
    ],
    [
      'discovery: openhab\nsignals: { a: 1 }\n',
      '1:12: discovery: must be "homeassistant" or an object; given was "openhab"',
    ],
    [
      'discovery: { prefx: a }\nsignals: { a: 1 }\n',
      '1:21: discovery.prefx: discovery has no "prefx", did you mean "prefix"?',
    ],
    [
      'discovery: { prefix: 5 }\nsignals: { a: 1 }\n',
      '1:22: discovery.prefix: must be a text; given was 5',
    ],
    [
      'discovery: true\nsignals: { a: 1 }\n',
      '1:12: discovery: must be "homeassistant" or an object; given was true',
    ],
    [
      'discovery:\nsignals: { a: 1 }\n',
      '1:11: discovery: must have a value, or be left out; given was null',
    ],
    [
      'discovery: { prefix: "a/#" }\nsignals: { a: 1 }\n',
      '1:22: discovery.prefix: the prefix must not contain wildcards, found "#" at index 2; given was "a/#"',
    ],
    ['units: { b: C }\nsignals: { a: 1 }\n', '1:13: units.b: units has no "b"; there are a'],
    ['units: { a: 5 }\nsignals: { a: 1 }\n', '1:13: units.a: must be a text; given was 5'],
    [
      'units:\nsignals: { a: 1 }\n',
      '1:7: units: must have a value, or be left out; given was null',
    ],
    ['units: [C]\nsignals: { a: 1 }\n', '1:8: units: units must be an object, not ["C"]'],
    ['signals: { a: "walk(20" }\n', '1:23: signals.a: expected "," or ")", found the end'],
    [
      'signals:\n  a: wolk(20)\n',
      '2:6: signals.a: there is no function "wolk", did you mean "walk"?',
    ],
    [
      'signals:\n  a: b + 1\n',
      '2:6: signals.a: "b" is no field, state or attribute; there are a, id, index',
    ],
    [
      'signals: { a: b, b: a }\n',
      '1:15: signals.a: a and b need each other: no field can be computed from itself',
    ],
    [
      'signals: { a: a + 1 }\n',
      '1:15: signals.a: a needs itself: no field can be computed from itself',
    ],
    ['signals: { a: 1 / 0 }\n', '1:19: signals.a: "/" gives no number here: 1 / 0'],
    ['signals: { a: "1 + \'x\'" }\n', '1:20: signals.a: "+" takes numbers, found text'],
    [
      'signals:\n  a: >\n    1 +\n    nois(2)\n',
      '4:5: signals.a: there is no function "nois", did you mean "noise"?',
    ],
    [
      'signals:\n  a: |\n    1 +\n    nois(2)\n',
      '4:5: signals.a: there is no function "nois", did you mean "noise"?',
    ],
    [
      'signals:\n  a: "pick(\\"x\\", \\"y\\") + nois(2)"\n',
      '2:28: signals.a: there is no function "nois", did you mean "noise"?',
    ],
    [
      "signals:\n  a: 'pick(''x'') + nois(2)'\n",
      '2:21: signals.a: there is no function "nois", did you mean "noise"?',
    ],
    ['signals: { a: "walk(20, -1)" }\n', '1:16: signals.a: walk: step must be 0 or more, not -1'],
    ['signals:\n  a: 1\n  a: 2\n', '3:3: Map keys must be unique'],
    [
      'signals: { "a b": 1 }\n',
      '1:19: signals.a b: must be a name of letters, digits and _; given was "a b"',
    ],
    [
      'signals: { a: null }\n',
      '1:15: signals.a: must be a signal, an expression, a number or a function; given was null',
    ],
    [
      'signals: { a: [1, 2] }\n',
      '1:15: signals.a: must be a signal, an expression, a number or a function; given was [1,2]',
    ],
    [
      'signals: { a: { walk: 1 } }\n',
      '1:15: signals.a: must be an expression, a number, { states: { NAME: { for, to } } } or { geoPath: [[latitude, longitude], ...], speedKmh }',
    ],
    ['signals: { a: noise(-1) }\n', '1:15: signals.a: noise: deviation must be 0 or more, not -1'],
    [
      'signals: { a: { states: { on: { to: off } } } }\n',
      '1:25: signals.a.states: states: on: for must be a duration such as "10s", "5m" or "1h30m", or milliseconds; given was ""',
    ],
    [
      'signals: { a: { states: { on: 5 } } }\n',
      '1:31: signals.a.states.on: a state must be an object, not 5',
    ],
    [
      'signals: { a: { states: { on: { for: 1m, to: { off: 1 } }, off: { for: 1m, to: { on: -1 } } } } }\n',
      '1:25: signals.a.states: states: off: to: weights must be 0 or more, and one above 0: -1',
    ],
    [
      'signals: { a: { states: { on: { for: 1m, too: off }, off: { for: 1m } } } }\n',
      '1:47: signals.a.states.on.too: a state has no "too", did you mean "to"?',
    ],
    [
      'signals: { a: { geoPath: [[1, 2]], speedKmh: 5 } }\n',
      '1:15: signals.a: geoPath takes at least two points',
    ],
    [
      'signals: { a: { geoPath: [[1, 2], [3, 4]] } }\n',
      '1:15: signals.a: geoPath: speedKmh must be a number above 0; given was nothing',
    ],
    [
      'signals: { a: { geoPath: [[1, 2], [3, 4]], speedKmh: 50, ende: loop } }\n',
      '1:64: signals.a.ende: geoPath has no "ende", did you mean "end"?',
    ],
    [
      'signals: { a: { geoPath: [1, 2], speedKmh: 50 } }\n',
      '1:15: signals.a: geoPath takes points of [latitude, longitude] in degrees; given was 1',
    ],
    [
      'signals: { a: { geoPath: [[1, 2], [3, 4]], speedKmh: fast } }\n',
      '1:15: signals.a: geoPath: speedKmh must be a number above 0; given was "fast"',
    ],
    [
      'signals: { a: { geoPath: [[1, 2], [3, 4]], speedKmh: 50, end: never } }\n',
      '1:15: signals.a: geoPath: end must be "loop", "return" or "stay"; given was "never"',
    ],
    [
      'signals: { a: \'dayCurve(14, 6, peak="3 pm")\' }\n',
      '1:16: signals.a: dayCurve: peak must be a time of day such as "15:00"; given was "3 pm"',
    ],
    [
      'signals: { a: \'clock("unix")\' }\n',
      '1:16: signals.a: clock takes "iso", "ms" or "s", not "unix"',
    ],
    [
      'signals: { a: \'column("x")\' }\n',
      '1:16: signals.a: column needs a recording, and there is none',
    ],
    [
      'signals: { a: pick() }\n',
      '1:15: signals.a: pick takes at least one value and a weight for each: 0 values, 0 weights',
    ],
    [
      "signals: { a: 'pick(1, 2, evry=5m)' }\n",
      '1:27: signals.a: pick has no parameter "evry", did you mean "every"?',
    ],
    [
      "signals: { a: 'pick(1, 2, every=0s)' }\n",
      '1:16: signals.a: pick: every must be more than 0 and finite; given was 0',
    ],
    [
      'signals: { a: 12abc }\n',
      '1:15: signals.a: "12abc" is neither a number nor a duration such as 10s or 1h30m',
    ],
    [
      'signals: { a: "1 < 2 < " }\n',
      '1:24: signals.a: expected a number, a name, a function or "(", found the end',
    ],
    [
      'signals: { a: "sine(1,2,3h).map(x)" }\n',
      '1:29: signals.a: there is no function "map", did you mean "max"?',
    ],
    [
      'signals: { a: "sine(1,2,3h).round(99)" }\n',
      '1:29: signals.a: round takes 0 to 15 decimal places; given was 99',
    ],
    [
      'signals: { a: "toString" }\n',
      '1:16: signals.a: "toString" is no field, state or attribute; there are a, id, index',
    ],
    [
      'signals: { a: "constructor" }\n',
      '1:16: signals.a: "constructor" is no field, state or attribute; there are a, id, index',
    ],
    [
      'signals: { a: "\'x\'.round(1)" }\n',
      '1:16: signals.a: round(value, [digits]): value must be a number, or what gives one',
    ],
    ['[]\n', '1:1: there must be at least one fleet'],
    ['hello\n', '1:1: a fleet must be an object'],
    [
      'devces: [a]\nsignals: { a: 1 }\n',
      '1:9: devces: a fleet has no "devces", did you mean "devices"?',
    ],
    ['fleets: []\n', '1:9: there must be at least one fleet'],
    ['fleets:\n', '1:8: a fleet must be an object'],
    [
      'fleets:\n  - signals: { a: 1 }\n  - signals: { a: 1 }\n',
      '3:5: 1: the device "fleet-1" is in fleet 0, too: give it another identifier, or the fleet another seed',
    ],
    ['fleets: [5]\n', '1:10: a fleet must be an object'],
    [
      'signals: { a: 1 }\n---\nsignals: { b: 1 }\n',
      '2:1: a file holds one document: several fleets stand under fleets',
    ],
    ['signals:\n\ta: 1\n', '2:1: Tabs are not allowed as indentation'],
    ['signals: { a: *x }\n', '1:15: there is no anchor &x before'],
    [
      'signals: { a: !!js/function x }\n',
      '1:29: signals.a: "x" is no field, state or attribute; there are a, id, index',
    ],
    [
      'recording: none.txt\nsignals: { a: 1 }\n',
      '1:12: recording: none.txt cannot be read: there is no such file',
    ],
    [
      'recording: 5\nsignals: { a: 1 }\n',
      '1:12: recording: must be a file, or an object with file',
    ],
    [
      'recording: { file: ok.csv, lop: true }\nsignals: { a: 1 }\n',
      '1:33: recording.lop: a recording has no "lop", did you mean "loop"?',
    ],
    [
      'recording: { file: ok.csv, loop: 5 }\nsignals: { a: 1 }\n',
      '1:34: recording.loop: must be true or false, not 5',
    ],
    [
      'recording: { file: ok.csv, format: xml }\nsignals: { a: 1 }\n',
      '1:36: recording.format: must be "csv" or "ndjson", not "xml"',
    ],
    [
      'recording: { file: ok.csv, skip: 9d }\nsignals: { a: 1 }\n',
      '1:12: recording: recording: skip must not be longer than the recording',
    ],
    [
      'recording: { file: ok.csv, time: when }\nsignals: { a: 1 }\n',
      '1:12: recording: ok.csv: no column when; there are time, celsius',
    ],
    [
      'recording: cells.csv\nsignals: { a: 1 }\n',
      '1:12: recording: cells.csv: line 2 has 3 cells, the first line names 2',
    ],
    [
      'recording: time.csv\nsignals: { a: 1 }\n',
      '1:12: recording: time.csv: line 3: time must be ISO 8601 or a number since 1970, not "yesterday"',
    ],
    [
      'recording: none.csv\nsignals: { a: 1 }\n',
      '1:12: recording: none.csv: no column time or timestamp or ts or date',
    ],
    ['recording: empty.csv\nsignals: { a: 1 }\n', '1:12: recording: empty.csv: there are no rows'],
    [
      'recording: header.csv\nsignals: { a: 1 }\n',
      '1:12: recording: header.csv: there are no rows',
    ],
    [
      'recording: bad.ndjson\nsignals: { a: 1 }\n',
      '1:12: recording: bad.ndjson: line 2 is no JSON',
    ],
    ['recording: quote.csv\nsignals: { a: 1 }\n', '1:12: recording: quote.csv: line 2 is no CSV'],
    [
      'recording: twice.csv\nsignals: { a: 1 }\n',
      '1:12: recording: twice.csv: line 1 names "x" twice',
    ],
    [
      'recording: ok.csv\nsignals: { a: \'column("kelvin")\' }\n',
      '2:16: signals.a: recording: no column "kelvin"; there are time, celsius',
    ],
  ])('%j is told at its place', (text, expected) => {
    expect(mistakeIn(text)).toContain(`x.yaml:${expected}`);
  });

  it('is told at its character in quotes with escapes, and in lines that are folded or not', () => {
    const place = (yaml: string): string | undefined =>
      /^x\.yaml:(\d+:\d+)/.exec(mistakeIn(yaml))?.[1];
    expect(place('signals:\n  a: "pick(\\"x\\", \\u0022y\\u0022) + nois(2)"\n')).toBe('2:36');
    expect(place("signals:\n  a: 'pick(''x'') + nois(2)'\n")).toBe('2:21');
    expect(place('signals:\n  a: |\n    1 +\n    nois(2)\n')).toBe('4:5');
    expect(place('signals:\n  a: >-\n    1 +\n    2 + nois(2)\n')).toBe('4:9');
    expect(place('signals:\r\n  a: 1\r\n  b: nois(1)\r\n')).toBe('3:6');
  });

  it('is no way to fill the memory', () => {
    const bomb = [...'abcdefgh'].map(
      (name, index) =>
        `${name}: &${name} [${Array(9).fill(index === 0 ? 'x' : `*${'abcdefgh'[index - 1]}`)}]`,
    );
    expect(mistakeIn(`${bomb.join('\n')}\n`)).toContain('Excessive alias count');
  });
});
