/**
 * What a client must show from outside, behaviour by behaviour, and the tests that show it: the beginnings of their
 * titles, by file. Where this project has decided otherwise than other clients, `decided` says how.
 */
export interface Behaviour {
  readonly says: string;
  readonly decided?: string;
  readonly tests: readonly (readonly [file: string, ...titles: string[]])[];
}

/** Tested elsewhere, or when the parts they need exist: URLs in browsers, server lists, stores, soak, other brokers. */
export const exceptedBehaviours: readonly number[] = [
  9, 38, 84, 112, 113, 114, 115, 116, 119, 120, 121, 122, 129, 130,
];

export const lastBehaviour = 130;

export const behaviours: Readonly<Record<number, Behaviour>> = {
  1: {
    says: 'connects with the defaults and reports the CONNACK',
    tests: [['connect', 'connects to localhost:1883 with the defaults']],
  },
  2: {
    says: 'makes up a valid client id, another one for each client',
    tests: [
      ['connect', 'makes up a client id that every server must take', 'keeps a made up client id'],
    ],
  },
  3: {
    says: 'sends a given client id unchanged; an empty one needs a clean start',
    tests: [
      [
        'connect',
        '[MQTT-3.1.3-3] sends a given client id unchanged',
        'takes an empty client id with a clean start',
      ],
    ],
  },
  4: {
    says: 'refuses a persistent session without a client id before any I/O',
    tests: [['connect', 'refuses a persistent session without a client id']],
  },
  5: { says: 'starts clean by default', tests: [['connect', 'starts clean by default']] },
  6: {
    says: 'takes user name and password from options and URL',
    tests: [
      [
        'connect',
        'sends user name and password from the options',
        'takes user name and password from %s',
      ],
    ],
  },
  7: {
    says: 'reads URL passwords with a colon and empty ones',
    tests: [['connect', 'takes user name and password from %s']],
  },
  8: {
    says: 'refuses an unknown URL scheme and names the valid ones',
    tests: [['connect', 'refuses the URL %j at once']],
  },
  10: {
    says: 'does not ignore a client certificate on a plain scheme',
    tests: [['connect', 'does not use a client certificate on a plain connection in silence']],
  },
  11: {
    says: 'rejects with code, name and Reason String of a refusing CONNACK',
    tests: [
      [
        'connect',
        'rejects with the reason code, its name',
        '[MQTT3-3.2.2-5] maps the return codes',
      ],
    ],
  },
  12: {
    says: 'tries again after transient refusals, not after permanent ones; configurable',
    tests: [
      [
        'connect',
        'tries again after the transient refusal',
        'gives up after the permanent refusal',
        'keeps trying a first connection when asked to',
        'gives up after as many attempts',
      ],
    ],
  },
  13: {
    says: 'limits the time to CONNACK and closes',
    tests: [
      [
        'connect',
        'rejects when no CONNACK comes within the time limit',
        'counts opening and CONNACK against one time limit',
      ],
    ],
  },
  14: {
    says: 'lets the CONNACK timer rest after success',
    tests: [['connect', 'lets the CONNACK timer rest after success']],
  },
  15: {
    says: 'rejects for a name that does not resolve, and can be closed',
    tests: [['connect', 'rejects with %s, and a client that connects in the background']],
  },
  16: {
    says: 'rejects for a refused port, and really retries when asked to',
    tests: [
      [
        'connect',
        'rejects with %s, and a client that connects in the background',
        'really tries again after a refused port',
      ],
    ],
  },
  17: {
    says: 'closes on another first packet than CONNACK and on a second CONNACK',
    tests: [
      [
        'connect',
        '[MQTT-3.2.0-1] takes anything but CONNACK',
        '[MQTT-3.2.0-2] takes a second CONNACK',
      ],
    ],
  },
  18: {
    says: 'connecting twice at the same time is well defined',
    decided: 'connect makes a client: two calls make two.',
    tests: [['connect', 'makes an independent client of each call']],
  },
  19: {
    says: 'never changes options or lists it is given',
    tests: [['connect', 'never writes into the options it is given']],
  },
  20: {
    says: 'keeps two clients apart',
    tests: [['connect', 'keeps two clients of one process apart']],
  },
  21: {
    says: 'cancels an attempt by its signal and frees the connection',
    tests: [['connect', 'ends an attempt when its signal aborts']],
  },
  22: {
    says: 'sends DISCONNECT, then ends the connection',
    tests: [['close', '[MQTT-3.14.4-2] sends DISCONNECT', '[MQTT-3.14.4-1] closes by itself']],
  },
  23: {
    says: 'close settles in every phase',
    tests: [
      [
        'close',
        'settles when the client never was connected',
        'settles while it waits for CONNACK',
        'settles while it waits to reconnect',
      ],
    ],
  },
  24: {
    says: 'closing twice resolves twice and reports once',
    tests: [['close', 'resolves each time it is called and reports the end once']],
  },
  25: {
    says: 'does not reconnect after close',
    tests: [['close', 'is not followed by a reconnection']],
  },
  26: {
    says: 'a graceful close has a time limit and reports what was left',
    tests: [['close', 'waits for what is under way', 'ends as soon as nothing is under way']],
  },
  27: {
    says: 'a forced close does not wait and every promise rejects',
    tests: [['close', 'by force does not wait', 'rejects what never left']],
  },
  28: {
    says: 'DISCONNECT carries reason code and properties',
    tests: [
      [
        'close',
        '[MQTT-3.14.2-1] sends reason code and properties',
        'refuses a session expiry at the end',
        'refuses a reason code that a client may not send',
      ],
    ],
  },
  29: {
    says: 'calls after close reject with a typed error',
    tests: [['close', 'lets every later call reject']],
  },
  30: {
    says: 'connecting again after close works',
    decided: 'A closed client stays closed; another call of connect makes a new one.',
    tests: [['close', 'is final, and the same options make a new client']],
  },
  31: {
    says: 'the process exits by itself after close',
    tests: [
      [
        'process-exit',
        'exits by itself after close',
        'exits by itself after an attempt that failed',
      ],
    ],
  },
  32: {
    says: 'errors of closing the store are reported by close alone',
    tests: [['close', 'alone reports that the store could not be closed']],
  },
  33: {
    says: 'reconnects after end, reset and silence',
    tests: [
      [
        'reconnect',
        'follows an end of the connection',
        'follows a connection that has gone silent',
      ],
    ],
  },
  34: {
    says: 'tells each outage once, also when the first attempt fails',
    tests: [['reconnect', 'tells each outage once', 'tells of a first attempt that failed']],
  },
  35: {
    says: 'tells number and delay of the next attempt',
    tests: [['reconnect', 'says which attempt comes after which delay']],
  },
  36: {
    says: 'does not reconnect when turned off',
    tests: [
      ['reconnect', 'does not happen when it is turned off', 'settles everything that waits'],
    ],
  },
  37: {
    says: 'delays grow, are jittered, capped, and reset after a stable connection',
    tests: [
      [
        'reconnect',
        'waits longer each time, by chance',
        'keeps to the bounds that were given',
        'goes on waiting longer when connections end without any progress',
        'starts from the shortest delay again',
        'does not take a retained message or a SUBACK for progress',
      ],
    ],
  },
  39: {
    says: 'reconnecting works inside and outside a listener',
    decided:
      'There is no reconnect call: closing, and connecting another client, work in listeners.',
    tests: [['reconnect', 'works from inside a status listener']],
  },
  40: {
    says: 'one loss makes exactly one new connection',
    decided: 'There is no reconnect call to make a second.',
    tests: [['reconnect', 'makes one new connection for one lost']],
  },
  41: {
    says: 'asks for credentials at each attempt, also asynchronously',
    tests: [
      [
        'reconnect',
        'asks for credentials and will at each attempt',
        'is not stopped for ever by credentials',
      ],
    ],
  },
  42: {
    says: 'a session that was taken over is not fought for',
    tests: [['reconnect', 'does not fight for a session']],
  },
  43: {
    says: 'timers and listeners stay constant over 1,000 reconnections',
    tests: [['reconnect', 'follows 1,000 lost connections']],
  },
  44: {
    says: 'old connections never affect the new one',
    tests: [
      [
        'reconnect',
        'is not disturbed by what an old connection still says',
        'starts with an empty decoder',
      ],
    ],
  },
  45: {
    says: 'single filters, lists and options; grants for each filter',
    tests: [['subscribe', 'takes one filter or a list']],
  },
  46: {
    says: 'refuses invalid filters',
    tests: [
      [
        'subscribe',
        '[MQTT-4.7.1-1] [MQTT-4.7.3-1] refuses the filter %j',
        '[MQTT-3.8.3-2] refuses an empty list',
      ],
    ],
  },
  47: {
    says: 'takes and validates shared subscriptions',
    tests: [
      [
        'subscribe',
        '[MQTT-4.8.2-1] takes shared subscriptions',
        '[MQTT-4.8.2-2] refuses the shared filter',
        '[MQTT-3.8.3-4] refuses noLocal',
      ],
    ],
  },
  48: {
    says: 'filters that are not ASCII work',
    tests: [['subscribe', '[MQTT-3.8.3-1] sends and matches filters that are not ASCII']],
  },
  49: {
    says: '5.0 options and Subscription Identifiers reach the wire',
    tests: [
      [
        'subscribe',
        '[MQTT-3.8.3-5] puts all 5.0 options',
        'sends no Subscription Identifier where the server has none',
      ],
    ],
  },
  50: {
    says: 'changed options are sent again, equal ones are not',
    decided: 'Handlers share one SUBSCRIBE with the highest QoS; other options must agree.',
    tests: [['subscribe', 'sends a filter again when its options change']],
  },
  51: {
    says: 'granted filters stay when others are refused',
    tests: [['subscribe', 'keeps granted filters when others of the same call are refused']],
  },
  52: {
    says: 'a SUBACK of the wrong number of codes is a protocol error',
    tests: [['subscribe', '[MQTT-3.8.4-6] takes a SUBACK of the wrong number']],
  },
  53: {
    says: 'large lists are split and the result is in order',
    tests: [['subscribe', '[MQTT-3.2.2-15] splits a list that is too long']],
  },
  54: {
    says: 'subscribing offline waits or rejects, never both',
    tests: [
      [
        'subscribe',
        'waits without a connection, and then settles once',
        'leaves nothing behind when it gave up',
      ],
    ],
  },
  55: {
    says: 'subscribes again once when the session is lost',
    tests: [['subscribe', 'is repeated once, with its options']],
  },
  56: {
    says: 'does not subscribe again when the session is present',
    tests: [['subscribe', 'is not repeated after a reconnection with a session']],
  },
  57: {
    says: 'subscribes again when the loss came before SUBACK',
    tests: [['subscribe', 'is repeated when the connection broke before SUBACK']],
  },
  58: {
    says: 'subscribing again can be prevented',
    decided: 'What is wanted is subscribed: ending the subscription is the way to prevent it.',
    tests: [['subscribe', 'is not repeated once it was ended']],
  },
  59: {
    says: 'a refused filter is not tried for ever',
    tests: [
      [
        'subscribe',
        'is not tried for ever when the server refuses it',
        'tells when the server refuses it at a repetition',
      ],
    ],
  },
  60: {
    says: '5.0 properties survive subscribing again',
    tests: [['subscribe', 'keeps its 5.0 properties when it is repeated']],
  },
  61: {
    says: 'unsubscribes single filters, lists, offline; failures are reported',
    tests: [
      [
        'subscribe',
        'takes one filter, a list and filters that are not ASCII',
        'reports failures that the server names',
        'waits without a connection',
      ],
    ],
  },
  62: {
    says: 'an end is done when UNSUBACK confirms it',
    tests: [['subscribe', 'is done when UNSUBACK says so']],
  },
  63: {
    says: 'handlers share SUBSCRIBE and UNSUBSCRIBE',
    tests: [['subscribe', 'leaves when the last of several handlers goes']],
  },
  64: {
    says: 'takes payloads and topics of every kind',
    tests: [['publish', 'takes text, bytes of every kind', 'refuses what is no payload']],
  },
  65: {
    says: 'refuses invalid topics',
    tests: [
      ['publish', '[MQTT-3.3.2-2] [MQTT-4.7.3-1] refuses the topic %j', 'takes the longest topic'],
    ],
  },
  66: {
    says: 'settles when written, at PUBACK, at PUBCOMP',
    tests: [['publish', 'settles at QoS 0 when it was written']],
  },
  67: {
    says: 'refusals reject with their code, 0x10 resolves',
    tests: [['publish', 'resolves with success and "no matching subscribers"']],
  },
  68: {
    says: 'a refusing PUBREC ends the exchange without PUBREL',
    tests: [['publish', '[MQTT-4.3.3-4] sends no PUBREL after a PUBREC that refuses']],
  },
  69: {
    says: 'retain and properties reach the wire',
    tests: [['publish', 'puts retain and all properties']],
  },
  70: {
    says: 'order is kept under load, in the queue and over reconnections',
    tests: [['publish', '[MQTT-4.6.0-1] keeps the order of each QoS']],
  },
  71: {
    says: 'new messages do not overtake stored ones',
    tests: [['publish', '[MQTT-4.6.0-1] lets no new message overtake stored ones']],
  },
  72: {
    says: 'one unacknowledged stored message does not block',
    tests: [['publish', 'is not blocked by one stored message']],
  },
  73: {
    says: 'QoS 0 without a connection follows a policy and is reported',
    tests: [['publish', 'keeps QoS 0 without a connection']],
  },
  74: {
    says: '100,000 queued messages drain',
    tests: [['publish', 'drains 100,000 messages']],
  },
  75: {
    says: 'the queue is bounded with a chosen policy',
    tests: [['publish', 'is bounded by number, bytes and age']],
  },
  76: {
    says: 'unacknowledged QoS 1 is sent again with DUP and its identifier',
    tests: [
      [
        'publish',
        '[MQTT-4.4.0-1] sends an unacknowledged QoS 1 message again',
        '[MQTT-4.4.0-1] sends nothing again while its connection stands',
      ],
    ],
  },
  77: {
    says: 'unacknowledged QoS 2 goes on at its stage',
    tests: [['publish', '[MQTT-4.3.3-6] sends PUBLISH again before PUBREC']],
  },
  78: {
    says: 'no PUBREL without a session; the message becomes new or fails by policy',
    tests: [['publish', '[MQTT-3.2.2-5] sends no PUBREL to a server without the session']],
  },
  79: {
    says: 'a cancelled message rejects',
    decided:
      'Before the wire it is withdrawn; after it the exchange completes and the outcome is unknown.',
    tests: [['publish', 'withdraws an aborted message before the wire']],
  },
  80: {
    says: 'keeps to the Receive Maximum of the server',
    tests: [['publish', '[MQTT-3.3.4-7] never has more unacknowledged']],
  },
  81: {
    says: 'keeps to the Maximum Packet Size of the server',
    tests: [['publish', '[MQTT-3.2.2-15] never sends a packet above']],
  },
  82: {
    says: 'keeps to Maximum QoS and Retain Available',
    tests: [
      [
        'publish',
        '[MQTT-3.2.2-11] [MQTT-3.2.2-14] keeps to the Maximum QoS',
        'keeps to limits that the next connection brings',
      ],
    ],
  },
  83: {
    says: 'identifiers never collide; at 65,535 the rest waits',
    tests: [['publish', '[MQTT-2.2.1-3] uses every identifier once']],
  },
  85: {
    says: 'time limit and signal of a publish settle it',
    tests: [['publish', 'settles by its own time limit and signal']],
  },
  86: {
    says: 'a store that fails rejects',
    tests: [['publish', 'rejects when the store cannot keep']],
  },
  87: {
    says: 'a burst of 50,000 adds no listeners',
    tests: [['publish', 'adds no listeners for a burst of 50,000']],
  },
  88: {
    says: 'message expiry runs while queued',
    tests: [
      ['publish', 'lowers the message expiry', '[MQTT-4.3.3-7] applies no expiry to what was sent'],
    ],
  },
  89: {
    says: 'delivers topic, bytes, flags and properties',
    tests: [['receive', 'comes with topic, bytes, flags and properties']],
  },
  90: {
    says: 'PUBACK once, and when the handler is done',
    tests: [
      [
        'receive',
        '[MQTT-4.3.2-4] of QoS 1 is acknowledged once',
        '[MQTT-4.6.0-2] [MQTT-4.6.0-3] is acknowledged when its handler is done',
        'is acknowledged on the connection it came from alone',
      ],
    ],
  },
  91: {
    says: 'QoS 2 repeats deliver once, each PUBREL is answered',
    tests: [['receive', '[MQTT-4.3.3-10] of QoS 2 sent again before PUBREL']],
  },
  92: {
    says: 'QoS 2 state survives a reconnection',
    tests: [
      [
        'receive',
        '[MQTT-4.1.0-1] of QoS 2 is delivered once over a reconnection',
        'of QoS 2 is new when the server has lost the session',
      ],
    ],
  },
  93: {
    says: 'what follows a failing handler is defined',
    tests: [['receive', 'is acknowledged when its handler fails']],
  },
  94: {
    says: 'a throwing handler does not stop later messages',
    tests: [
      [
        'receive',
        'comes although the handler of the one before threw',
        'comes although nobody listens to errors',
      ],
    ],
  },
  95: {
    says: 'a slow consumer stops reading, pings go on',
    tests: [
      [
        'receive',
        'waits in the network when its handler is slow',
        'of QoS 1 and 2 in number no more than the Receive Maximum',
      ],
    ],
  },
  96: { says: 'many PUBLISH in one chunk', tests: [['receive', 'is one of 50,000 in one chunk']] },
  97: {
    says: 'packets may be split anywhere',
    tests: [['receive', 'may be cut anywhere', 'comes in any chunking']],
  },
  98: {
    says: 'a message before SUBACK reaches its handler',
    tests: [['receive', 'that comes before SUBACK']],
  },
  99: {
    says: 'overlapping filters are delivered as documented',
    tests: [['receive', 'that several filters match goes where']],
  },
  100: {
    says: 'reason codes of PUBACK and PUBREC are valid ones',
    tests: [
      ['receive', 'is never answered with a reason code that its acknowledgement may not carry'],
    ],
  },
  101: {
    says: 'inbound aliases are set, used, overwritten, cleared',
    tests: [['topic-alias', '[MQTT-3.3.2-10] is set, used, set anew']],
  },
  102: {
    says: 'invalid aliases end the connection',
    tests: [
      [
        'topic-alias',
        '[MQTT-3.3.2-8] [MQTT-3.3.2-11] %s ends the connection',
        'that stands for nothing',
      ],
    ],
  },
  103: {
    says: 'outbound aliases stay within the maximum of the server',
    tests: [
      [
        'topic-alias',
        '[MQTT-3.2.2-17] stays within the maximum',
        '[MQTT-3.2.2-18] is never used where the server offers none',
        'can be turned off',
      ],
    ],
  },
  104: {
    says: 'stored messages never carry an alias',
    tests: [['topic-alias', '[MQTT-3.3.2-7] is never carried into another connection']],
  },
  105: {
    says: 'an alias out of range rejects',
    decided: 'Aliases are assigned by the client alone: one given by hand is refused.',
    tests: [['topic-alias', 'given by hand is refused']],
  },
  106: {
    says: 'PINGREQ before the interval ends, none at 0',
    tests: [
      [
        'keep-alive',
        '[MQTT-3.1.2-20] sends PINGREQ before the interval ends',
        'sends none when it is off',
      ],
    ],
  },
  107: {
    says: 'only what is sent puts a ping off',
    decided: 'It is due after an interval without sending, or without receiving.',
    tests: [
      [
        'keep-alive',
        'is not put off by what is received',
        'is put off by what is sent',
        'pings while it only sends',
      ],
    ],
  },
  108: {
    says: 'a missing PINGRESP closes and reconnects',
    tests: [
      ['keep-alive', 'of %i s closes and reconnects', 'waits for an answer as long as bytes come'],
    ],
  },
  109: {
    says: 'Server Keep Alive holds for its connection',
    tests: [
      [
        'keep-alive',
        '[MQTT-3.2.2-21] takes Server Keep Alive',
        'also takes it where its own was off',
      ],
    ],
  },
  110: {
    says: 'a jump of the clock triggers a check',
    tests: [
      ['keep-alive', 'checks at once after the machine has slept', 'is not shaken by a wall clock'],
    ],
  },
  111: {
    says: 'invalid keep-alives are refused',
    tests: [['keep-alive', 'refuses %s seconds', 'takes 0 and 65,535 seconds']],
  },
  117: {
    says: 'certificates are verified, with a named error once',
    tests: [['tls', 'connects to a server whose certificate', 'refuses a certificate %s, once']],
  },
  118: {
    says: 'verification can be turned off; SNI and ALPN are sent',
    tests: [
      [
        'tls',
        'takes any certificate when it is told to',
        'names the server it wants',
        'offers the application protocols',
      ],
    ],
  },
  123: {
    says: 'a malformed packet: error, DISCONNECT, close, reconnection',
    tests: [
      [
        'robustness',
        '[MQTT-4.13.1-1] is answered by DISCONNECT',
        '[MQTT3-4.8.0-1] under 3.1.1 is closed without a word',
        'does not settle requests as if they had been answered',
      ],
    ],
  },
  124: {
    says: 'a Remaining Length over the limit is refused before buffering',
    tests: [
      ['robustness', 'is refused by its fixed header', 'is one byte larger than one that is taken'],
    ],
  },
  125: {
    says: 'packets that only a client sends are protocol errors',
    tests: [['robustness', 'is a protocol error: %s']],
  },
  126: {
    says: 'ill-formed UTF-8, reserved bits and repeated properties are refused',
    tests: [['robustness', 'are refused: %s']],
  },
  127: {
    says: 'the reason of a server DISCONNECT is told',
    tests: [['robustness', 'is told with its reason and its Reason String']],
  },
  128: {
    says: 'what follows a breach in the same chunk is ignored',
    tests: [['robustness', 'is neither delivered nor answered']],
  },
};
