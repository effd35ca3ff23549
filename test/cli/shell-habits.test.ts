import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Mosquitto, startMosquitto } from '../setup/mosquitto.ts';
import { requires } from '../setup/requires.ts';
import { temporaryFolder } from '../setup/temporary-folder.ts';
import { ended, programs, startShell } from './programs.ts';

/** Lines as people write them, between programs that know nothing of MQTT, with a real server. */

const here = requires('mosquitto');
beforeAll(programs, 60_000);

describe.runIf(here)('in a shell', () => {
  let broker: Mosquitto<'plain'>;
  beforeAll(async () => {
    broker = await startMosquitto({ listeners: { plain: {} } });
  }, 60_000);
  afterAll(() => broker?.[Symbol.asyncDispose]());

  let topics = 0;

  /** Runs lines of bash; `$T` is a topic of their own, `taking WORDS` starts mqtt-sub and waits until it is subscribed. */
  async function bash(script: string) {
    topics += 1;
    const folder = temporaryFolder('shell');
    const taking = `
      taking() {
        $SUB $AT -d "$@" 2> "$F/debug" > "$F/out" & sub=$!
        until grep -q '^<- SUBACK' "$F/debug"; do sleep 0.02; done
      }
      # In a pipe this is another shell, which cannot wait for a child of the first.
      taken() { while kill -0 $sub 2> "$F/gone"; do sleep 0.02; done; cat "$F/out"; }
    `;
    return ended(
      await startShell(`${taking}\n${script}`, {
        AT: `-h 127.0.0.1 -p ${broker.port('plain')}`,
        T: `shell/${topics}`,
        F: folder,
      }),
    );
  }

  const outputOf = async (script: string) => (await bash(script)).stdout.toString();

  it('xargs -0 gives messages as they are, and takes them', async () => {
    const given = `taking -t $T -C 3 -v
      printf '%s\\0' 'a b' 'c"d' '#e' | xargs -0 -n 1 $PUB $AT $T -m
      taken`;
    expect(await outputOf(given)).toMatch(/^\S+ a b\n\S+ c"d\n\S+ #e\n$/);
    const took = `taking -t $T -C 2 --output null
      $PUB $AT $T 'a b'; $PUB $AT $T $'c\\nd'
      taken | xargs -0 -n 1 printf '[%s]'`;
    expect(await outputOf(took)).toBe('[a b][c\nd]');
  });

  it('find -print0 gives files, whatever they are called', async () => {
    const script = `mkdir "$F/files"; printf one > "$F/files/a b"; printf two > "$F/files/c"$'\\n'd
      taking -t $T -C 2
      find "$F/files" -type f -print0 | xargs -0 -n 1 $PUB $AT -t $T -f
      taken | sort`;
    expect(await outputOf(script)).toBe('one\ntwo\n');
  });

  it.runIf(requires('jq'))('jq reads what is written, and writes what is read', async () => {
    const script = `taking -t "$T/#" -C 3 --output ndjson
      jq -nc --arg t "$T" '{topic: ($t + "/a"), payload: {n: 1}}, {topic: ($t + "/b"), payload: "x"}' |
        $PUB $AT --lines json
      jq -nc '{n: 2}' | $PUB $AT -l -t $T/c
      taken | jq -c '[.topic[-1:], .payload]'`;
    expect(await outputOf(script)).toBe('["a","{\\"n\\":1}"]\n["b","x"]\n["c","{\\"n\\":2}"]\n');
  });

  it('while read gets topic and payload, each as soon as it comes', async () => {
    const script = `taking -t "$T/#" -C 2 -v
      $PUB $AT $T/1 '1 2'; $PUB $AT $T/2 3
      taken | while read -r topic payload; do echo "\${topic##*/}=$payload"; done`;
    expect(await outputOf(script)).toBe('1=1 2\n2=3\n');
    // The reader answers before the next message is there, so nothing waits in a buffer.
    const answering = `mkfifo "$F/in"
      $SUB $AT -d -t $T -C 2 2> "$F/debug" > "$F/in" & exec 3< "$F/in"
      until grep -q '^<- SUBACK' "$F/debug"; do sleep 0.02; done
      $PUB $AT $T first; read -r one <&3; $PUB $AT $T "after $one"; read -r two <&3; echo "$two"`;
    expect(await outputOf(answering)).toBe('after first\n');
  });

  it('tee and a filter behind it get everything', async () => {
    const script = `seq 5000 | tee "$F/sent" | $PUB $AT -l -t $T -r -q 1
      $SUB $AT -t $T -C 1 | tee "$F/kept" | tr 0 o; cat "$F/kept"; wc -l < "$F/sent"`;
    expect(await outputOf(script)).toBe('5ooo\n5000\n5000\n');
  });

  it('timeout and a kill of the whole pipe end it in order', async () => {
    const script = `timeout 1 $SUB $AT -t $T; echo $?
      taking -t $T; kill -INT $sub; wait $sub; echo $?
      taking -t $T; kill $sub; wait $sub; echo $?`;
    const { stdout, stderr } = await bash(script);
    expect({ stdout: stdout.toString(), stderr }).toEqual({ stdout: '124\n0\n0\n', stderr: '' });
  });

  it('nohup, setsid and a closed standard input change nothing', async () => {
    const script = `$PUB $AT -r $T kept
      nohup $SUB $AT -t $T -C 1 2> /dev/null
      setsid -w $SUB $AT -t $T -C 1
      $SUB $AT -t $T -C 1 <&-
      $PUB $AT -t $T -l <&-; echo $?
      $PUB $AT -t $T -m x -u me <&-; echo $?`;
    expect(await outputOf(script)).toBe('kept\nkept\nkept\n0\n0\n');
  });

  it('works in a loop, as watch calls it', async () => {
    const script = `$PUB $AT -r $T 21
      for _ in 1 2 3; do $SUB $AT -t $T -C 1 -W 20 || echo failed; done`;
    expect(await outputOf(script)).toBe('21\n21\n21\n');
  });

  it('needs no home, no language and no name of a terminal', async () => {
    const script = `$PUB $AT -r $T 'é 温度'
      env -i PATH="$PATH" $SUB $AT -t $T -C 1
      LC_ALL=C TERM= $SUB $AT -t $T -C 1 -v --output text
      HOME=/proc $SUB $AT -t $T -C 1
      HOME= $SUB profile ls; echo $?`;
    const { stdout, stderr } = await bash(script);
    const [one, two, three, code] = stdout.toString().split('\n');
    expect({ one, two: two?.split(' ').slice(1).join(' '), three, code }).toEqual({
      one: 'é 温度',
      two: 'é 温度',
      three: 'é 温度',
      code: '0',
    });
    expect(stderr).toBe('');
  });

  it('a profile that cannot be kept is told', async () => {
    const file = join(temporaryFolder('home'), 'file');
    writeFileSync(file, '');
    const { code, lines } = await bash(`HOME='${file}' $SUB profile add x -h h`);
    expect({ code, what: lines[0] }).toEqual({
      code: 64,
      what: `mqtt-sub: profile add: cannot write '${file}/.config/mqtt-kit/profiles/x': a part of the path is no directory`,
    });
    const none = await bash('env -u HOME $SUB profile add x -h h');
    expect(none.lines).toEqual([
      'mqtt-sub: profiles need a home: neither XDG_CONFIG_HOME nor HOME is set',
      '  Set XDG_CONFIG_HOME to the folder they are to be in.',
    ]);
  });

  it.runIf(existsSync('/usr/bin/script'))(
    'that has job control, a publisher in the background waits for the terminal',
    async () => {
      const script = `set -m
        $PUB $AT -t $T -l < /dev/tty & job=$!
        until [ "$(cut -d' ' -f3 /proc/$job/stat)" = T ]; do sleep 0.05; done
        kill -KILL $job; echo stopped`;
      const path = join(temporaryFolder('jobs'), 'jobs.sh');
      writeFileSync(path, script);
      const output = await outputOf(`script -qec "bash ${path}" /dev/null`);
      expect(output.replaceAll('\r', '')).toMatch(/(^|\n)stopped\n/);
    },
    60_000,
  );
});
