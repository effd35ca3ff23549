import { beforeAll, describe, expect, it } from 'vitest';
import { startChild } from '../setup/child-process.ts';
import { programOf, requires } from '../setup/requires.ts';
import {
  ended,
  type MosquittoName,
  namedLikeMosquitto,
  plainEnvironment,
  programs,
} from './programs.ts';

/**
 * Mistakes in command lines: called as mosquitto's programs, ours say the same and end with the same exit code. Each
 * line is run by both, against a port where nobody listens.
 */

/** Of every program: a value that is missing, wrong, or out of range. */
const common = `
-A
-D
-D connect
-D connect receive-maximum
-D foo bar baz
-D connect foo baz
-D auth user-property a b
-D puback reason-string x
-D connect receive-maximum 70000
-D publish message-expiry-interval -5
-D publish subscription-identifier 5
-D subscribe content-type x
-D unsubscribe reason-string x
-D publish user-property k
-I
-L
-L foo
-L mqtt://127.0.0.1
-M
-M 0
-P
-V
-V 6
-c
-c -V 5
-h
-i
-i a -I b
-I b -i a
-k
-k 4
-k 70000
-k abc
-p
-p 70000
-p -1
-q
-q 3
-q -1
-t
-tfoo
-u
-x
-x -2
-x abc
--foo
--topic=foo
foo
--cafile
--capath
--cert
--cert x
--key x
--keyform x
--proxy
--proxy http://x
--psk
--psk ab
--psk ab --psk-identity x --cafile y
--tls-alpn
--tls-version
--unix
--will-payload
--will-payload x
--will-qos
--will-qos 5
--will-retain
--will-topic
--will-topic w+
`;

const only: Readonly<Record<MosquittoName, string>> = {
  mosquitto_pub: `
-C 1
-F x
-f
-m
--repeat
--repeat 0
--repeat -1
--repeat-delay
--repeat-delay -1
-t a/+ -m x
-t a/# -m x
-t a -m b -f x
-t a -n -m b
-t a -s -l
-R
-W 5
-v
`,
  mosquitto_sub: `
-C
-C 0
-C -1
-C x
-F
-F %z -t a
-F % -t a
-F %5 -t a
-F @ -t a
-F \\q -t a
-F \\ -t a
-F %.k -t a
-R --retained-only -t a
-T
-T a+ -t b
-U
-U a+ -t b
-W
-W 0 -t a
-W -1 -t a
-W x -t a
--random-filter
--random-filter 0 -t a
--random-filter x -t a
-t a/#/b
-t a+
-e x
-l
-m x
-r
-d
-v
`,
  mosquitto_rr: `
-C 1
-F %z -t a -e b -m x
-T x
-U x
-W 0
-e
-e b -m x
-r
-t a
-t a -e b
-t a -e b+ -m x
-t a -m x
-t a+ -e b -m x
`,
};

/** What 2.1 says where 2.0 says something else. */
const said20And21: readonly (readonly [RegExp, string])[] = [
  [/You must specify a topic to subscribe to\./, 'You must specify a topic to subscribe to (-t) or unsubscribe from (-U).'],
  [/unsupported URL scheme/, 'Unsupported URL scheme'],
  [/Invalid command given in/, 'Invalid command foo given in'],
  [/Invalid property name given in/, 'Invalid property name foo given in'],
]; // biome-ignore format: one on each line

function as21(text: string): string {
  return said20And21.reduce((said, [of20, of21]) => said.replace(of20, of21), text);
}

const all = (Object.keys(only) as MosquittoName[]).flatMap((name) =>
  `${common}${only[name]}`
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => [name, line] as const),
);

beforeAll(programs, 60_000);

describe.runIf(requires('mosquitto-clients'))("a mistake in a command line of mosquitto's", () => {
  it.concurrent.each(all)('%s %s', async (name, line) => {
    const words = ['-h', '127.0.0.1', ...line.split(' ')];
    const env = plainEnvironment;
    const [theirs, ours] = await Promise.all([
      ended(startChild(programOf(name), words, { env })),
      ended(startChild(process.execPath, [await namedLikeMosquitto(name), ...words], { env })),
    ]);
    expect({ stderr: ours.stderr, code: ours.code }).toEqual({
      stderr: as21(theirs.stderr),
      code: theirs.code,
    });
  });
});

describe.each<MosquittoName>(['mosquitto_pub', 'mosquitto_sub', 'mosquitto_rr'])('%s', (name) => {
  it('--version and --help go to stdout and end with 1, as there', async () => {
    const link = await namedLikeMosquitto(name);
    const ask = (word: string) =>
      ended(startChild(process.execPath, [link, word], { env: plainEnvironment }));
    const version = await ask('--version');
    expect({ code: version.code, stderr: version.stderr }).toEqual({ code: 1, stderr: '' });
    expect(version.stdout.toString()).toMatch(
      new RegExp(`^${name} version 2\\.1\\.\\d+ running on `),
    );
    const help = await ask('--help');
    expect(help.code).toBe(1);
    expect(help.stdout.toString()).toContain(`Usage: ${name} `);
  });
});
