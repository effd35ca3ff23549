import { PacketType } from '@mqtt-kit/packet';
import { listenTcp, publish, ScriptedBroker } from '@mqtt-kit/testkit';
import { beforeAll, describe, expect, it } from 'vitest';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, programs, startShell } from './programs.ts';

/** What becomes of a program whose output is full, closed, or read no further. */

beforeAll(programs, 60_000);

/** Everything that writes to standard output, and ends by itself. `$AT` leads to a server. */
const writing: readonly (readonly [command: string, ownCode?: number])[] = [
  ['$PUB --help'],
  ['$PUB --help=all'],
  ['$SUB --version'],
  ['$SUB --completion zsh'],
  ['$PUB --man'],
  ['$SUB profile ls'],
  ['$SUB profile show home'],
  ['$PUB $AT -t a -m x --dry-run'],
  ['$PUB $AT -t a -m x -q 2 --dry-run'],
  ['$PUB $AT -t a -m x --dry-run --repeat 20000'],
  ['seq 20000 | $PUB $AT -t a -l --dry-run'],
  ['$SUB $AT -t a --dry-run'],
  ['$SUB --request $AT -t a -m x --dry-run'],
  ['$SUB --doctor "$URL"', 69],
  ['$SUB --doctor "$URL" --output json', 69],
  ['$SUB $AT -t a --stats'],
  ['$SUB $AT -t a --message-rate'],
];

/** Runs a line of bash beside a server that grants everything and sends nothing. */
async function line(text: string) {
  const broker = new ScriptedBroker({ automatic: true });
  await using listener = await listenTcp(broker);
  const home = temporaryFolder('home');
  const run = async (bash: string) =>
    ended(
      await startShell(bash, {
        AT: `-h 127.0.0.1 -p ${listener.port}`,
        // Nobody listens there.
        URL: 'mqtt://127.0.0.1:1',
        HOME: home,
      }),
    );
  await run('$PUB profile add home -h 127.0.0.1');
  return await run(`set -o pipefail; ${text}`);
}

describe('a standard output that is full', () => {
  for (const [command, ownCode = 1] of writing) {
    it(`is told once, with what to do: ${command}`, async () => {
      const { code, lines } = await line(`${command} > /dev/full`);
      const [what = '', ...more] = lines;
      expect(what).toMatch(
        /^mqtt-(pub|sub|request): cannot write to standard output: no space left on the device$/,
      );
      expect(more).toEqual([
        expect.stringMatching(/^ {2}.* not written .*lost/),
        '  Make room there, or write to another place.',
      ]);
      expect(code).toBe(ownCode);
    });
  }

  it('is no matter to a publisher that shows nothing but its packets', async () => {
    const { code, stderr } = await line('$PUB $AT -t a -m x -d > /dev/full');
    expect(code).toBe(0);
    expect(stderr).toContain("-> PUBLISH 'a'");
  });

  it('is told under --quiet by the exit code alone', async () => {
    const { code, stderr } = await line('$PUB $AT -t a -m x --quiet --dry-run > /dev/full');
    expect({ code, stderr }).toEqual({ code: 1, stderr: '' });
  });
});

describe('a pipe that nobody reads on', () => {
  for (const [command, ownCode = 0] of writing) {
    it(`is an end like any other: ${command}`, async () => {
      // What seq writes is not read to its end, and that is its own matter.
      const codes = `echo "\${PIPESTATUS[*]}" >&2`;
      const first = await line(`${command} | head -1; ${codes}`);
      const code = first.lines.at(-1)?.split(' ').at(-2);
      expect({ lines: first.lines.length, code }).toEqual({ lines: 1, code: `${ownCode}` });
      expect(first.stdout.toString().split('\n')).toHaveLength(2);
      const none = await line(`${command} | true; ${codes}`);
      expect(none.lines).toHaveLength(1);
      expect(none.lines[0]?.split(' ').at(-2)).toBe(`${ownCode}`);
    });
  }

  it('ends a simulation that is only shown', async () => {
    const simulate = `$PUB -t 'a/{id}' --simulate 't=sine(20,5,1h)' --rate 1000/s --dry-run`;
    const { stdout, lines } = await line(`${simulate} | head -2; echo "\${PIPESTATUS[*]}" >&2`);
    expect(stdout.toString()).toMatch(/^-> CONNECT .*\n {2}0000 {2}10 .*\n$/);
    expect(lines).toEqual(['0 0']);
  });

  it('holds up what is only shown until it is read', async () => {
    const show = 'seq 60000 | $PUB $AT -t a -l --dry-run';
    const { stdout } = await line(`${show} | { sleep 1; grep -c PUBLISH; }`);
    expect(stdout.toString()).toBe('60000\n');
  });
});

describe('a standard error that nobody gets', () => {
  for (const closed of ['2> /dev/full', '2>&-', '>&- 2>&-', '2> >(true)', '<&-']) {
    it(`changes nothing: ${closed}`, async () => {
      const packets = await line(`$PUB $AT -t a -m x -q 1 -d ${closed}`);
      expect(packets.code).toBe(0);
      const mistake = await line(`$PUB --nonsense ${closed}`);
      expect(mistake.code).toBe(64);
      const refused = await line(`$PUB -L mqtt://127.0.0.1:1/a -m x ${closed}`);
      expect(refused.code).toBe(69);
      const ended = await line(`$SUB $AT -t a -d --stats -W 0.2 ${closed}`);
      expect(ended.code).toBe(27);
    });
  }

  it('and neither do both', async () => {
    const { code } = await line('$PUB $AT -t a -m x --dry-run > /dev/full 2> /dev/full');
    expect(code).toBe(1);
    const doctor = await line('$SUB --doctor "$URL" > /dev/full 2>&1');
    expect(doctor.code).toBe(69);
  });
});

describe('a file that cannot be written', () => {
  it('of --record is told, and what was not recorded is not acknowledged', async () => {
    for (const qos of [0, 1, 2] as const) {
      const broker = new ScriptedBroker({
        automatic: {
          onPacket: (packet, connection) => {
            if (packet.type !== PacketType.subscribe) return;
            setTimeout(
              () =>
                connection.send(publish('a', 'x', qos === 0 ? {} : { qos, packetIdentifier: 7 })),
              20,
            );
          },
        },
      });
      await using listener = await listenTcp(broker);
      const words = `-h 127.0.0.1 -p ${listener.port} -t a -q ${qos} -C 1 --record /dev/full`;
      const { code, lines } = await ended(await startShell(`$SUB ${words}`));
      expect(code).toBe(1);
      expect(lines[0]).toBe(
        "mqtt-sub: --record: cannot write '/dev/full': no space left on the device",
      );
      expect(lines).toHaveLength(3);
      const types = broker.current.received.map(({ type }) => type);
      expect(types).not.toContain(PacketType.puback);
      expect(types).not.toContain(PacketType.pubcomp);
    }
  });

  it('of a profile is told', async () => {
    const { code, stderr } = await line(
      'mkdir $HOME/.config/mqtt-kit/profile; $SUB profile use home',
    );
    expect(code).toBe(64);
    expect(stderr).toMatch(/^mqtt-sub: profile use: cannot write '.*': it is a directory\n/);
  });
});

describe('a queue that cannot be used', () => {
  it('is told with what to do, and is no mistake of the program', async () => {
    const { code, stderr } = await line(
      'touch "$HOME/q"; $PUB $AT -t a -m x -q 1 -i me --queue "$HOME/q"',
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mqtt-pub: cannot open .*\n/);
  });

  it('says who has it', async () => {
    const { code, stderr } = await line(
      `mkfifo "$HOME/in"; $PUB $AT -t a -l -q 1 --queue "$HOME/q" < "$HOME/in" & exec 3> "$HOME/in"
       until ls "$HOME"/q/session/*.journal > /dev/null 2>&1; do sleep 0.05; done
       $PUB $AT -t a -m x -q 1 --queue "$HOME/q"; code=$?; exec 3>&-; wait; exit $code`,
    );
    expect(code).toBe(1);
    expect(stderr).toMatch(/^mqtt-pub: the session store is in use by process \d+: /);
  });
});

describe('an input that cannot be read', () => {
  for (const [words, problem] of [
    ['-l -t a < /', '-l: standard input is a directory'],
    ['-s -t a < /', '-s: standard input is a directory'],
    ['--lines json < /', '--lines json: standard input is a directory'],
    [
      '--lines csv 0> "$HOME/x"',
      '--lines csv: cannot read standard input: it is not open for reading',
    ],
    ['-t a -f /', "-f: cannot read '/': it is a directory"],
    [
      '-t a -f /dev/zero',
      "-f: '/dev/zero' is longer than an MQTT message can be (268435455 bytes)",
    ],
  ] as const) {
    it(`is told: ${words}`, async () => {
      const { code, lines } = await line(`$PUB $AT ${words}`);
      expect({ code, what: lines[0] }).toEqual({ code: 64, what: `mqtt-pub: ${problem}` });
    });
  }

  it('is read to its end when it is a pipe', async () => {
    const { stdout } = await line('$PUB $AT -t a --dry-run -f <(printf hello)');
    expect(stdout.toString()).toContain("PUBLISH 'a' QoS 0, 5 bytes");
  });
});
