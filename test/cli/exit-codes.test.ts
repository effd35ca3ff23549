import { createServer } from 'node:net';
import { PacketType, ReasonCode } from '@mqtt-kit/packet';
import {
  type AutomaticAnswers,
  connack,
  disconnect,
  listenTcp,
  puback,
  ScriptedBroker,
  suback,
} from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { certificates } from '../setup/certificates.ts';
import { freePorts, portOf } from '../setup/ports.ts';
import { until } from '../setup/until.ts';
import { ended, type ProgramName, programs, type RunOptions, run, start } from './programs.ts';

/** Every exit code, each with what stderr says: what, why, what to do, in at most three lines and without a stack. */

beforeAll(programs, 60_000);

const pub = ['-t', 'a', '-m', 'x'];
const sub = ['-t', 'a'];

async function against(
  automatic: AutomaticAnswers,
  program: ProgramName,
  words: readonly string[],
  options: RunOptions = {},
) {
  const broker = new ScriptedBroker({ automatic });
  await using listener = await listenTcp(broker);
  const result = await run(program, ['-p', `${listener.port}`, ...words], options);
  const errorLines = result.lines.filter((line) => !/trying again|connected again/.test(line));
  expect(errorLines.length).toBeLessThanOrEqual(3);
  expect(result.stderr).not.toMatch(/\n\s+at /);
  return { ...result, attempts: listener.acceptedSockets };
}

const refusing = (reasonCode: number): AutomaticAnswers => ({
  onPacket: (packet, connection) => {
    if (packet.type !== PacketType.connect) return packet.type === PacketType.publish;
    connection.send(connack({ reasonCode }));
    connection.end();
    return true;
  },
});

describe('0', () => {
  it('when everything was published', async () => {
    expect(await against({}, 'mqtt-pub', [...pub, '-q', '2'])).toMatchObject({
      code: 0,
      lines: [],
    });
  });
});

describe('27', () => {
  it('when the time of -W is over', async () => {
    const { code, lines } = await against({}, 'mqtt-sub', [...sub, '-W', '0.3']);
    expect({ code, lines }).toEqual({
      code: 27,
      lines: ['mqtt-sub: the time limit of 0.3 s (-W) is over'],
    });
    const quiet = await against({}, 'mqtt-sub', [...sub, '-W', '0.3', '--quiet']);
    expect(quiet).toMatchObject({ code: 27, lines: [] });
  });

  it('when nobody acknowledges in that time', async () => {
    const silent = { onPacket: (packet: { type: number }) => packet.type === PacketType.publish };
    const { code, lines } = await against(silent, 'mqtt-pub', [...pub, '-q', '1', '-W', '300ms']);
    expect({ code, lines }).toMatchObject({
      code: 27,
      lines: [expect.anything(), '  1 message was not published'],
    });
  });

  it('when nobody even answers', async () => {
    const { code } = await against({ onPacket: () => true }, 'mqtt-sub', [...sub, '-W', '0.3']);
    expect(code).toBe(27);
  });
});

describe('64', () => {
  it('when the command line is wrong: nothing is sent', async () => {
    const { code, attempts } = await against({}, 'mqtt-pub', ['-t', 'a/#', '-m', 'x']);
    expect({ code, attempts }).toEqual({ code: 64, attempts: 0 });
    expect(await against({}, 'mqtt-pub', ['-t', 'a', '-f', '/nowhere'])).toMatchObject({
      code: 64,
    });
    expect(await against({}, 'mqtt-sub', [...sub, '-V', '31'])).toMatchObject({ code: 64 });
  });

  it('when standard input for -s is empty', async () => {
    const { code, lines } = await against({}, 'mqtt-pub', ['-t', 'a', '-s'], { input: '' });
    expect({ code, first: lines[0] }).toEqual({
      code: 64,
      first: 'mqtt-pub: -s: standard input is empty',
    });
  });
});

describe('68', () => {
  it.each<ProgramName>(['mqtt-pub', 'mqtt-sub'])('when %s finds no host', async (program) => {
    const { code, stderr } = await run(program, [
      '-h',
      'host.invalid',
      ...(program === 'mqtt-pub' ? pub : sub),
    ]);
    expect(code).toBe(68);
    expect(stderr).toContain('host.invalid');
  });
});

describe('69', () => {
  it.each<ProgramName>(['mqtt-pub', 'mqtt-sub'])('when %s is refused, at once', async (program) => {
    const [port] = await freePorts(1);
    const { code, stderr } = await run(program, [
      '-p',
      `${port}`,
      ...(program === 'mqtt-pub' ? pub : sub),
    ]);
    expect(code).toBe(69);
    expect(stderr).toContain(`localhost:${port}`);
    expect(stderr).toContain('connection refused');
  });

  it('when nobody answers within --connect-timeout', async () => {
    const { code, lines, attempts } = await against({ onPacket: () => true }, 'mqtt-pub', [
      ...pub,
      '--connect-timeout',
      '0.3',
    ]);
    expect({ code, attempts }).toEqual({ code: 69, attempts: 1 });
    expect(lines.join()).toContain('within 300 ms');
  });

  it('when the server is unavailable', async () => {
    const { code, lines } = await against(refusing(ReasonCode.serverUnavailable), 'mqtt-sub', sub);
    expect(code).toBe(69);
    expect(lines.join()).toContain('Server unavailable');
  });

  it('when the server closes without a word', async () => {
    const server = createServer((socket) => socket.destroy());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const words = ['-h', '127.0.0.1', '-p', `${portOf(server)}`, ...pub];
    expect(await run('mqtt-pub', words)).toMatchObject({ code: 69 });
    server.close();
  });

  it('after as many attempts as --retry-limit allows, when it is given', async () => {
    const { code, attempts } = await against(refusing(ReasonCode.serverBusy), 'mqtt-sub', [
      ...sub,
      '--retry-limit',
      '2',
    ]);
    expect(code).toBe(69);
    expect(attempts).toBeGreaterThanOrEqual(2);
    expect(attempts).toBeLessThanOrEqual(3);
  });
});

describe('73', () => {
  const refusingPublish: AutomaticAnswers = {
    onPacket: (packet, connection) => {
      if (packet.type !== PacketType.publish || packet.packetIdentifier === undefined) return false;
      connection.send(puback(packet.packetIdentifier, ReasonCode.notAuthorized));
      return true;
    },
  };

  it('when the server refuses the message', async () => {
    const { code, lines } = await against(refusingPublish, 'mqtt-pub', [...pub, '-q', '1']);
    expect(code).toBe(73);
    expect(lines[0]).toMatch(/^mqtt-pub: the server refused .*Not authorized/);
  });

  it.each([
    ['-q', '1'],
    ['-q', '2'],
    ['-q', '1', '-V', '311'],
  ])('when it closes each time that the message comes (%s %s %s %s)', async (...words) => {
    const closing: AutomaticAnswers = {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.publish) return false;
        connection.end();
        return true;
      },
    };
    const { code, lines, attempts } = await against(closing, 'mqtt-pub', [...pub, ...words]);
    expect({ code, attempts }).toEqual({ code: 73, attempts: 3 });
    expect(lines.join()).toContain('closed the connection 3 times in a row');
  });

  it('when it refuses some of many', async () => {
    const { code, lines } = await against(
      refusingPublish,
      'mqtt-pub',
      ['-t', 'a', '-l', '-q', '1'],
      {
        input: '1\n2\n3\n',
      },
    );
    expect(code).toBe(73);
    expect(lines.join()).toContain('3 of 3 messages were not published');
  });

  it('when the server announced that it would', async () => {
    const { code, lines } = await against({ connackProperties: { maximumQos: 1 } }, 'mqtt-pub', [
      ...pub,
      '-q',
      '2',
    ]);
    expect(code).toBe(73);
    expect(lines.join()).toMatch(/QoS/);
  });
});

describe('74', () => {
  const grants = (...reasonCodes: number[]): AutomaticAnswers => ({
    onPacket: (packet, connection) => {
      if (packet.type !== PacketType.subscribe) return false;
      connection.send(suback(packet, reasonCodes));
      return true;
    },
  });

  it('when the server refuses all subscriptions', async () => {
    const { code, lines } = await against(grants(ReasonCode.notAuthorized), 'mqtt-sub', sub);
    expect(code).toBe(74);
    expect(lines[0]).toMatch(/refused the subscription to "a": Not authorized/);
  });

  it('not when it grants some: the others are told, and it goes on', async () => {
    const words = ['-t', 'a', '-t', 'b', '-W', '3'];
    const { code, lines } = await against(grants(0, ReasonCode.notAuthorized), 'mqtt-sub', words);
    expect(code).toBe(27);
    expect(lines[0]).toMatch(/refused.*'b'/);
  });
});

describe('74, later', () => {
  it('when the server forgot the session and refuses what it granted before', async () => {
    let subscribes = 0;
    const { code, stderr } = await against(
      {
        onPacket: (packet, connection) => {
          if (packet.type !== PacketType.subscribe) return false;
          subscribes += 1;
          connection.send(suback(packet, [subscribes === 1 ? 0 : ReasonCode.notAuthorized]));
          if (subscribes === 1) connection.end();
          return true;
        },
      },
      'mqtt-sub',
      sub,
    );
    expect(code).toBe(74);
    expect(stderr).toMatch(/connected again/);
    expect(stderr).toMatch(/refused the subscription to "a": Not authorized/);
  });
});

describe('75', () => {
  it('when the connection is lost and cannot be restored', async () => {
    const broker = new ScriptedBroker({ automatic: true });
    const listener = await listenTcp(broker);
    const words = ['-h', '127.0.0.1', '-p', `${listener.port}`, '-t', 'a', '--retry-limit', '2'];
    const child = await start('mqtt-sub', words);
    await until(() => broker.connections[0]?.received.length === 2, 'SUBSCRIBE arrives');
    await listener.close();
    const { code, stderr } = await ended(child);
    expect(code).toBe(75);
    expect(stderr).toContain('trying again');
    expect(stderr).toContain('connection refused');
  });

  it('when another client takes over the session', async () => {
    const takenOver: AutomaticAnswers = {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.subscribe) return false;
        connection.send(suback(packet));
        connection.send(disconnect(ReasonCode.sessionTakenOver));
        connection.end();
        return true;
      },
    };
    const { code, lines, attempts } = await against(takenOver, 'mqtt-sub', [...sub, '-i', 'x']);
    expect({ code, attempts }).toEqual({ code: 75, attempts: 1 });
    expect(lines.join()).toMatch(/taken over.*client identifier/);
  });

  it('when mqtt-pub has used up its attempts', async () => {
    const closing: AutomaticAnswers = {
      onPacket: (packet, connection) => {
        if (packet.type !== PacketType.publish) return false;
        connection.send(disconnect(ReasonCode.serverBusy));
        connection.end();
        return true;
      },
    };
    const broker = new ScriptedBroker({ automatic: closing });
    await using listener = await listenTcp(broker);
    const words = ['-h', '127.0.0.1', '-p', `${listener.port}`, ...pub, '-q', '1'];
    const { code } = await run('mqtt-pub', [...words, '--retry-limit', '3']);
    expect(code).toBe(75);
    expect(listener.acceptedSockets).toBeGreaterThan(1);
    expect(listener.acceptedSockets).toBeLessThanOrEqual(4);
  }, 30_000);
});

describe('76', () => {
  it('when the certificate is not trusted, without a byte of MQTT', async () => {
    const { server } = certificates();
    const broker = new ScriptedBroker({ automatic: true });
    await using listener = await listenTcp(broker, {
      tls: { cert: server.cert.text, key: server.key.text },
    });
    const { code, stderr } = await run('mqtt-pub', [
      '-L', `mqtts://localhost:${listener.port}`, ...pub,
    ]); // biome-ignore format: one line of words
    expect(code).toBe(76);
    expect(stderr).toContain('--cafile');
    expect(broker.connections.every((one) => one.receivedBytes.length === 0)).toBe(true);
  });

  it('when TLS is spoken to a plain port', async () => {
    // Servers that get no CONNECT close.
    const server = createServer((socket) => socket.once('data', () => socket.destroy()));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const words = ['-h', '127.0.0.1', '-p', `${portOf(server)}`, ...sub];
    const { code, stderr } = await run('mqtt-sub', [
      ...words,
      '--cafile',
      certificates().authority.path,
    ]);
    server.close();
    expect(code).toBe(76);
    expect(stderr).toContain('-L mqtt://');
  });

  it('when the server breaks the protocol', async () => {
    const breaking: AutomaticAnswers = {
      onPacket: (_packet, connection) => {
        connection.sendRaw('00 00');
        return true;
      },
    };
    const { code, stderr } = await against(breaking, 'mqtt-pub', pub);
    expect(code).toBe(76);
    expect(stderr).toContain('broke the protocol');
  });

  it('when a web server answers', async () => {
    const web: AutomaticAnswers = {
      onPacket: (_packet, connection) => {
        connection.sendRaw(Buffer.from('HTTP/1.1 400 Bad Request\r\n\r\n'));
        connection.end();
        return true;
      },
    };
    const { code, lines } = await against(web, 'mqtt-sub', sub);
    expect(code).toBe(76);
    expect(lines[0]).toMatch(/^mqtt-sub: an HTTP server answered at mqtt:\/\/localhost:/);
    expect(lines[1]).toMatch(/-L ws:\/\/HOST:PORT/);
  });
});

describe('77', () => {
  it.each<[ProgramName, readonly string[], number]>([
    ['mqtt-pub', [...pub, '-q', '1'], ReasonCode.badUserNameOrPassword],
    ['mqtt-pub', pub, ReasonCode.notAuthorized],
    ['mqtt-sub', sub, ReasonCode.notAuthorized],
    ['mqtt-sub', [...sub, '--retry-limit', '5'], ReasonCode.banned],
  ])('when %s %j is refused, after one attempt', async (program, words, reasonCode) => {
    const { code, stderr, attempts } = await against(refusing(reasonCode), program, words);
    expect({ code, attempts }).toEqual({ code: 77, attempts: 1 });
    expect(stderr).toContain('-u NAME');
  });

  it('and says what was wrong with what was sent, wherever it came from', async () => {
    const broker = new ScriptedBroker({ automatic: refusing(ReasonCode.badUserNameOrPassword) });
    await using listener = await listenTcp(broker);
    const here = `127.0.0.1:${listener.port}`;
    const hints = async (words: readonly string[], env: Readonly<Record<string, string>> = {}) =>
      (await run('mqtt-sub', [...words, '-t', 'a'], { env })).lines[1]?.trim();
    const check = 'Check the user name and the password.';
    expect(await hints(['-L', `mqtt://bob:wrong@${here}`])).toBe(check);
    expect(await hints(['-L', `mqtt://${here}`, '-u', 'bob', '-P', 'wrong'])).toBe(check);
    expect(await hints(['-L', `mqtt://bob@${here}`], { MQTT_PASSWORD: 'wrong' })).toBe(check);
    expect(await hints(['-L', `mqtt://bob@${here}`])).toMatch(
      /^A user name was sent without a pass/,
    );
    expect(await hints(['-L', `mqtt://${here}`, '-P', 'x'])).toMatch(/sent without a user name/);
    expect(broker.current.received[0]).toMatchObject({ password: new TextEncoder().encode('x') });
  });
});
