import { describe, expect, it } from 'vitest';
import { ModelBroker, type ModelConnectionPlan } from './model-broker.ts';
import { ModelConnection } from './model-broker-connection.ts';
import type { ModelVersion } from './model-broker-packets.ts';

const allowsAll: ModelConnectionPlan = {
  refusal: 0,
  receiveMaximum: 65_535,
  maximumPacketSize: 268_435_460,
  maximumQos: 2,
  retainAvailable: true,
  topicAliasMaximum: 0,
  serverKeepAlive: undefined,
  useAliases: false,
  delayAnswers: false,
  window: 1000,
};

interface StageOptions {
  readonly plan?: Partial<ModelConnectionPlan>;
  readonly reason?: number;
  readonly closesAt?: (payload: string) => boolean;
}

/** One broker, and what became of the packets that it was sent. */
class Stage {
  readonly broker: ModelBroker;
  readonly breaches: string[] = [];
  readonly owned: string[] = [];
  readonly taken: string[] = [];
  readonly counted: string[] = [];

  constructor({ plan, reason = 0, closesAt }: StageOptions = {}) {
    this.broker = new ModelBroker({
      plan: () => ({ ...allowsAll, ...plan }),
      onBreach: (what) => this.breaches.push(what),
      onOwned: ({ payload, qos }, topic) => this.owned.push(`${topic} ${text(payload)} ${qos}`),
      onTaken: (payload, qos) => this.taken.push(`${text(payload)} ${qos}`),
      reasonFor: (kind) => (kind === 'suback' ? 0 : reason),
      ...(closesAt && { closesAt: ({ payload }) => closesAt(text(payload)) }),
      count: (what) => this.counted.push(what),
    });
  }

  /** A connection with a CONNECT on it. */
  connect(version: ModelVersion = '5.0', options: ConnectOptions = {}): Client {
    const client = new Client(this.broker);
    client.send(connect(version, options));
    client.server.connackArrived = true;
    return client;
  }
}

/** A client that does whatever it is told. */
class Client {
  /** What the server sent, one entry for each write. */
  sent: string[] = [];
  end: 'ended' | 'reset' | undefined;
  readonly server: ModelConnection;

  constructor(broker: ModelBroker) {
    this.server = broker.accept({
      name: 'connection',
      write: (bytes) => this.sent.push(hex(bytes)),
      pause: () => {},
      resume: () => {},
      end: () => {
        this.end = 'ended';
      },
      reset: () => {
        this.end = 'reset';
      },
    });
  }

  send(...packets: readonly string[]): void {
    for (const packet of packets) this.server.onData(bytes(packet));
  }

  /** What came since it was asked last. */
  take(): string[] {
    const { sent } = this;
    this.sent = [];
    return sent;
  }
}

interface ConnectOptions {
  readonly clean?: boolean;
  /** Hex, without its length. */
  readonly properties?: string;
}

function connect(
  version: ModelVersion,
  { clean = false, properties = '11ffffffff' }: ConnectOptions = {},
): string {
  const head = `00044d515454${version === '5.0' ? '05' : '04'}${clean ? '02' : '00'}003c`;
  return packet('10', `${head}${version === '5.0' ? field(properties) : ''}000163`);
}

/** PUBLISH to "t", or to another topic. */
function publish(
  version: ModelVersion,
  qos: number,
  identifier: number,
  payload = '61',
  { dup = false, retain = false, topic = '000174', properties = '' } = {},
): string {
  const first = 0x30 | (dup ? 8 : 0) | (qos << 1) | (retain ? 1 : 0);
  const own = qos === 0 ? '' : two(identifier);
  const rest = version === '5.0' ? field(properties) : '';
  return packet(first.toString(16), `${topic}${own}${rest}${payload}`);
}

const puback = (identifier: number) => packet('40', two(identifier));
const pubrec = (identifier: number, reason = '') => packet('50', two(identifier) + reason);
const pubrel = (identifier: number, reason = '') => packet('62', two(identifier) + reason);
const pubcomp = (identifier: number) => packet('70', two(identifier));
const subscribe = (version: ModelVersion, identifier: number, options = '02') =>
  packet('82', `${two(identifier)}${version === '5.0' ? '00' : ''}000174${options}`);

function packet(first: string, body: string): string {
  const length = body.length / 2;
  return `${first}${byte((length % 128) | (length > 127 ? 128 : 0))}${length > 127 ? byte(length >> 7) : ''}${body}`;
}

/** Behind its length. */
function field(content: string): string {
  return byte(content.length / 2) + content;
}

function byte(value: number): string {
  return value.toString(16).padStart(2, '0');
}

function two(value: number): string {
  return value.toString(16).padStart(4, '0');
}

function bytes(text: string): Uint8Array {
  return Uint8Array.from(text.match(/../g) ?? [], (pair) => Number.parseInt(pair, 16));
}

function hex(content: Uint8Array): string {
  return Array.from(content, byte).join('');
}

function text(content: Uint8Array): string {
  return String.fromCharCode(...content);
}

/** What a client may not do once it is connected, and the words that the broker has for it. */
const breaches: [string, string | string[], string, Partial<ModelConnectionPlan>?][] = [
  ['a second CONNECT', connect('5.0'), 'a second CONNECT'],
  ['a type of the server', '20020000', 'packet type 2 from a client'],
  ['reserved flags', '6002' + '0001', 'flags 0 in packet type 6'],
  ['a length of five bytes', '30ffffffff7f', 'Remaining Length of more than four bytes'],
  ['a length not the shortest', '308000', 'Remaining Length not the shortest'],
  ['bytes behind PINGREQ', 'c00100', 'bytes left over in pingreq'],
  ['PUBLISH with QoS 3', packet('36', '000174000100'), 'PUBLISH with QoS 3'],
  ['PUBLISH with DUP at QoS 0', packet('38', '00017400'), 'PUBLISH with DUP at QoS 0'],
  ['packet identifier 0', publish('5.0', 1, 0), 'packet identifier 0'],
  ['a topic with a wildcard', publish('5.0', 0, 0, '', { topic: '00012b' }), 'topic name "+"'],
  ['an empty topic without alias', publish('5.0', 0, 0, '', { topic: '0000' }), 'topic name ""'],
  ['a topic with U+0000', publish('5.0', 0, 0, '', { topic: '000100' }), 'U+0000 in a text'],
  ['a topic not UTF-8', publish('5.0', 0, 0, '', { topic: '0001ff' }), 'a text that is not UTF-8'],
  ['a topic longer than the packet', packet('30', '00ff74'), 'a field longer than the packet'],
  ['a property twice', publish('5.0', 0, 0, '', { properties: '01000100' }), 'property 1 twice'],
  [
    'a property of another packet',
    publish('5.0', 0, 0, '', { properties: '1100000000' }),
    'property 17 in a packet of kind P',
  ],
  ['a property too large', publish('5.0', 0, 0, '', { properties: '0102' }), 'property 1 is 2'],
  [
    'a property that may not be 0',
    publish('5.0', 0, 0, '', { properties: '230000' }),
    'property 35 0',
  ],
  [
    'properties longer than the packet',
    packet('30', '0001747f'),
    'properties longer than the packet',
  ],
  ['an unknown reason', pubrel(1, '10'), 'reason 16 in pubrel'],
  ['SUBSCRIBE without a filter', packet('82', '000100'), 'SUBSCRIBE without a filter'],
  ['reserved subscription options', subscribe('5.0', 1, '40'), 'subscription options 64'],
  ['a filter that is none', packet('82', '0001000002612300'), 'topic filter "a#"'],
  ['UNSUBSCRIBE without a filter', packet('a2', '000100'), 'UNSUBSCRIBE without a filter'],
  ['AUTH without a method', 'f000', 'AUTH without an authentication method'],
  ['a reason for DISCONNECT', 'e00105', 'reason 5 in DISCONNECT'],
  ['a packet after DISCONNECT', ['e000', 'c000'], 'pingreq after DISCONNECT'],
  [
    'an alias that is not allowed',
    publish('5.0', 0, 0, '', { properties: '230001' }),
    'topic alias 1',
  ],
  [
    'an alias that stands for nothing',
    publish('5.0', 0, 0, '', { topic: '0000', properties: '230001' }),
    'topic alias 1 stands for nothing',
    { topicAliasMaximum: 1 },
  ],
  ['more than Maximum QoS', publish('5.0', 2, 1), 'PUBLISH at QoS 2', { maximumQos: 1 }],
  [
    'RETAIN where it is not available',
    publish('5.0', 0, 0, '', { retain: true }),
    'PUBLISH with RETAIN, which is not available',
    { retainAvailable: false },
  ],
  [
    'more than Maximum Packet Size',
    publish('5.0', 0, 0, '00'.repeat(20)),
    'publish of 26 bytes is too large',
    { maximumPacketSize: 25 },
  ],
  [
    'more than Receive Maximum',
    [publish('5.0', 1, 1), publish('5.0', 2, 2)],
    'more than 1 unanswered messages',
    { receiveMaximum: 1, delayAnswers: true },
  ],
  [
    'an identifier in use',
    [publish('5.0', 1, 7), publish('5.0', 1, 7)],
    'PUBLISH 7 again on one connection, or its identifier',
    { delayAnswers: true },
  ],
  ['PUBACK for nothing', puback(1), 'PUBACK 1, due is undefined'],
  ['PUBREC for nothing', pubrec(1), 'PUBREC 1, due is undefined'],
  ['PUBCOMP for nothing', pubcomp(1), 'PUBCOMP 1 for no PUBREL of this connection'],
  [
    'PUBREL out of the order of PUBREC',
    [publish('5.0', 2, 1), publish('5.0', 2, 2), pubrel(2)],
    'PUBREL 2 before that of an earlier PUBREC',
  ],
  [
    'PUBREL that denies a known message',
    [publish('5.0', 2, 1), pubrel(1, '92')],
    'PUBREL 0x92 for a known message',
  ],
  [
    'a QoS 2 message again, as a new one',
    [publish('5.0', 2, 1), publish('5.0', 2, 1)],
    'PUBLISH 1 again on one connection, or its identifier',
  ],
];

describe('the model broker refuses', () => {
  it.each(breaches)('%s', (_name, packets, expected, plan = {}) => {
    const stage = new Stage({ plan });
    const client = stage.connect();
    expect(stage.breaches).toEqual([]);
    client.send(...(typeof packets === 'string' ? [packets] : packets));
    expect(stage.breaches).toEqual([expected]);
    expect(client.end).toBe('reset');
  });

  it.each([
    ['PINGREQ in place of CONNECT', 'c000', 'packet type 12 before CONNECT'],
    ['another protocol', packet('10', '00044d51545005020000000000'), 'protocol "MQTP" level 5'],
    [
      'the reserved flag',
      packet('10', '00044d5154540503003c00000163'),
      'the reserved flag of CONNECT',
    ],
    [
      'a will QoS without a will',
      packet('10', '00044d515454050a003c00000163'),
      'will flags without a will',
    ],
    ['a will of QoS 3', packet('10', '00044d515454051e003c0000016300000174'), 'will QoS 3'],
    [
      'a password without a name',
      packet('10', '00044d5154540442003c0001630000'),
      'a password without a name',
    ],
    [
      'a session without a name',
      packet('10', '00044d5154540400003c0000'),
      'a session without a name',
    ],
  ])('a connection that begins with %s', (_name, first, expected) => {
    const stage = new Stage();
    const client = new Client(stage.broker);
    client.send(first);
    expect(stage.breaches).toEqual([expected]);
  });

  it('on another connection the PUBREL packets of a session in another order', () => {
    const stage = new Stage();
    stage.connect().send(publish('5.0', 2, 1), publish('5.0', 2, 2));
    const client = stage.connect();
    client.send(pubrel(2), pubrel(1));
    expect(stage.breaches).toEqual(['PUBREL out of the order of PUBREC']);
  });

  it('a known QoS 2 identifier with DUP 0, or at QoS 1', () => {
    for (const [again, expected] of [
      [publish('5.0', 2, 1), 'PUBLISH 1 with DUP 0 is known already'],
      [publish('5.0', 1, 1), 'a QoS 2 identifier at QoS 1'],
    ] as const) {
      const stage = new Stage();
      stage.connect().send(publish('5.0', 2, 1));
      stage.connect().send(again);
      expect(stage.breaches).toEqual([expected]);
    }
  });

  it('a PUBREL for a message whose PUBREC never left', () => {
    const stage = new Stage({ plan: { delayAnswers: true } });
    stage.connect().send(publish('5.0', 2, 1));
    stage.connect().send(pubrel(1));
    expect(stage.breaches).toEqual(['PUBREL 1 without a PUBREC']);
  });

  it.each(['5.0', '3.1.1'] as const)('acknowledgements out of order, %s', (version) => {
    const stage = new Stage();
    const client = stage.connect(version);
    client.send(subscribe(version, 1));
    for (const payload of ['61', '62']) stage.broker.publish('c', 't', bytes(payload), 1);
    client.send(puback(2));
    expect(stage.breaches).toEqual(['PUBACK 2, due is 1']);
  });
});

describe.each(['5.0', '3.1.1'] as const)('the model broker, %s', (version) => {
  const none = version === '5.0' ? '00' : '';

  it('owns a message once at QoS 2, however often it comes, and answers each time', () => {
    const stage = new Stage();
    const first = stage.connect(version);
    first.send(publish(version, 2, 1));
    expect(first.take().slice(1)).toEqual(['50020001']);
    const second = stage.connect(version);
    expect(first.end).toBe('reset');
    second.send(publish(version, 2, 1, '61', { dup: true }), pubrel(1), pubrel(1));
    const unknown = version === '5.0' ? '7003000192' : '70020001';
    expect(second.take()).toEqual([
      `20${none === '' ? '020100' : '03010000'}`,
      '50020001',
      '70020001',
      unknown,
    ]);
    expect(stage.owned).toEqual(['t a 2']);
    expect(stage.breaches).toEqual([]);
  });

  it('owns a message as often as it comes at QoS 0 and 1', () => {
    const stage = new Stage();
    const client = stage.connect(version);
    client.send(publish(version, 0, 0), publish(version, 1, 1), publish(version, 1, 1));
    expect(stage.owned).toEqual(['t a 0', 't a 1', 't a 1']);
    expect(client.take().slice(1)).toEqual(['40020001', '40020001']);
  });

  it('keeps what it sent until it is acknowledged, and sends it again with DUP', () => {
    const stage = new Stage();
    const first = stage.connect(version);
    first.send(subscribe(version, 1));
    expect(stage.broker.publish('c', 't', bytes('61'), 1)).toBe(1);
    expect(stage.broker.publish('c', 't', bytes('62'), 2)).toBe(2);
    expect(stage.broker.publish('c', 'u', bytes('63'), 2)).toBe(undefined);
    const one = `0001740001${none}61`;
    const two = `0001740002${none}62`;
    expect(first.take().slice(2)).toEqual([packet('32', one), packet('34', two)]);
    first.send(pubrec(2));
    expect(stage.taken).toEqual(['b 2']);
    expect(first.take()).toEqual(['62020002']);
    const second = stage.connect(version);
    expect(second.take().slice(1)).toEqual([packet('3a', one), '62020002']);
    second.send(puback(1), pubcomp(2));
    expect(stage.taken).toEqual(['b 2', 'a 1']);
    expect(stage.connect(version).take()).toHaveLength(1);
    expect(stage.breaches).toEqual([]);
  });

  it('sends no more than the window of the client', () => {
    const stage = new Stage({ plan: { window: 2 } });
    const client = stage.connect(version, { properties: '11ffffffff210002' });
    client.send(subscribe(version, 1));
    for (const payload of ['61', '62', '63']) stage.broker.publish('c', 't', bytes(payload), 1);
    expect(client.take()).toHaveLength(4);
    client.send(puback(1));
    expect(client.take()).toEqual([packet('32', `0001740003${none}63`)]);
  });

  it('forgets a session when it is asked to, when it begins clean, and when nobody heard of it', () => {
    const stage = new Stage();
    const epoch = () => stage.broker.sessions.get('c')?.epoch;
    stage.connect(version);
    stage.connect(version);
    expect(epoch()).toBe(1);
    stage.connect(version, { clean: true });
    expect(epoch()).toBe(2);
    stage.broker.restart(true);
    stage.connect(version);
    stage.broker.restart(false);
    expect(epoch()).toBe(undefined);
    const unheard = stage.connect(version);
    unheard.server.connackArrived = false;
    unheard.server.reset();
    expect(epoch()).toBe(undefined);
    stage.connect(version);
    stage.broker.forget('c');
    expect(epoch()).toBe(undefined);
    // Under 3.1.1 a session that begins clean ends with its connection.
    const resumed = stage.counted.filter((what) => what === 'connack with session');
    expect(resumed).toHaveLength(version === '5.0' ? 2 : 1);
  });

  it('refuses CONNECT, and ends the connection', () => {
    const refusal = version === '5.0' ? 0x87 : 5;
    const client = new Stage({ plan: { refusal } }).connect(version);
    expect(client.take()).toEqual([`20${none === '' ? '020005' : '03008700'}`]);
    expect(client.end).toBe('ended');
  });

  it('holds answers back until it is asked for them, in order', () => {
    const stage = new Stage({ plan: { delayAnswers: true } });
    const client = stage.connect(version);
    client.take();
    client.send(publish(version, 1, 1), publish(version, 2, 2), 'c000');
    expect(client.take()).toEqual([]);
    expect(client.server.owed).toBe(3);
    client.server.answer(1);
    expect(client.take()).toEqual(['40020001']);
    client.server.answer(10);
    expect(client.take()).toEqual(['50020002', 'd000']);
  });

  it('closes at a message that it will not take, and does not own it', () => {
    const stage = new Stage({ closesAt: (payload) => payload === 'b' });
    const client = stage.connect(version);
    client.send(publish(version, 1, 1), publish(version, 1, 2, '62'));
    expect(stage.owned).toEqual(['t a 1']);
    expect(client.end).toBe('ended');
  });

  it('sends acknowledgements for nothing, whose answers are no breach', () => {
    const stage = new Stage();
    const client = stage.connect(version);
    client.take();
    client.server.writeStray('pubrec', 9);
    client.server.writeStray('pubrel', 10);
    client.send(pubrel(9), pubcomp(10));
    expect(client.take()).toEqual(['50020009', '6202000a', '70020009']);
    expect(stage.breaches).toEqual([]);
  });
});

describe('the model broker, 5.0 alone,', () => {
  it('tells its limits in CONNACK', () => {
    const plan = {
      receiveMaximum: 3,
      maximumQos: 1,
      retainAvailable: false,
      maximumPacketSize: 100,
      topicAliasMaximum: 2,
      serverKeepAlive: 7,
    } as const;
    const client = new Stage({ plan }).connect();
    const properties = '2100032401250027000000642200021300' + '07';
    expect(client.take()).toEqual([packet('20', `0000${field(properties)}`)]);
  });

  it('does not own what it refuses, and is told when a client refuses', () => {
    const stage = new Stage({ reason: 0x97 });
    const client = stage.connect();
    client.take();
    client.send(publish('5.0', 1, 1), publish('5.0', 2, 2));
    expect(client.take()).toEqual(['4003000197', '5003000297']);
    expect(stage.owned).toEqual([]);
    client.send(subscribe('5.0', 3));
    stage.broker.publish('c', 't', bytes('61'), 2);
    client.take();
    client.send(pubrec(1, '80'));
    expect(client.take()).toEqual([]);
    expect(stage.broker.sessions.get('c')?.outbound).toEqual([]);
  });

  it('knows topics by their aliases, for each connection anew', () => {
    const stage = new Stage({ plan: { topicAliasMaximum: 1 } });
    const named = publish('5.0', 0, 0, '61', { properties: '230001' });
    const unnamed = publish('5.0', 0, 0, '62', { topic: '0000', properties: '230001' });
    stage.connect().send(named, unnamed);
    expect(stage.owned).toEqual(['t a 0', 't b 0']);
    stage.connect().send(unnamed);
    expect(stage.breaches).toEqual(['topic alias 1 stands for nothing']);
  });

  it('uses aliases towards a client that allows them', () => {
    const stage = new Stage({ plan: { useAliases: true } });
    const client = stage.connect('5.0', { properties: '11ffffffff220001' });
    client.send(subscribe('5.0', 1));
    client.take();
    for (const payload of ['61', '62']) stage.broker.publish('c', 't', bytes(payload), 0);
    const alias = field('230001');
    expect(client.take()).toEqual([
      packet('30', `000174${alias}61`),
      packet('30', `0000${alias}62`),
    ]);
  });

  it('forgets a session with its connection where the client asks for no expiry', () => {
    const stage = new Stage();
    stage.connect('5.0', { properties: '' }).server.reset();
    expect(stage.broker.sessions.size).toBe(0);
    stage.connect('5.0').send('e00700051100000000');
    for (const connection of stage.broker.connections) connection.reset();
    expect(stage.broker.sessions.size).toBe(0);
  });

  it('says goodbye with a reason', () => {
    const client = new Stage().connect();
    client.take();
    client.server.leave(0x8b);
    expect(client.take()).toEqual(['e0018b']);
    expect(client.end).toBe('ended');
  });

  it('sends a client elsewhere', () => {
    const client = new Stage().connect();
    client.take();
    client.server.leave(0x9c, 'h');
    expect(client.take()).toEqual([packet('e0', `9c${field('1c000168')}`)]);
  });
});

it('takes a stream in any pieces', () => {
  const stage = new Stage();
  const client = new Client(stage.broker);
  for (const one of bytes(connect('5.0') + publish('5.0', 1, 1)))
    client.server.onData(Uint8Array.of(one));
  expect(stage.owned).toEqual(['t a 1']);
  expect(client.server).toBeInstanceOf(ModelConnection);
});
