// @ts-check
/**
 * Keeps what V8 compiles of a program, for the next runs to read: see src/launcher.ts. The program is run against a
 * server that says what a short run needs to hear, so that V8 has compiled what such a run uses, and nothing else.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { fileURLToPath } from 'node:url';

/**
 * Writes `FILE.compiled` beside each of the files that the launcher loads as such.
 * @param {string} launcher
 * @param {readonly string[]} words A short run of the program.
 */
export async function compileByRunning(launcher, words) {
  const server = await listenForShortRuns();
  try {
    const { port } = /** @type {import('node:net').AddressInfo} */ (server.address());
    await run([launcher, ...words, '-h', '127.0.0.1', '-p', `${port}`]);
  } finally {
    server.close();
  }
}

/** A server for one message sent or received, on a free port of this machine. */
export async function listenForShortRuns() {
  const server = createServer(answer).listen(0, '127.0.0.1');
  await once(server, 'listening');
  return server;
}

/** @param {readonly string[]} words */
async function run(words) {
  const recorder = fileURLToPath(new URL('record-compiled.cjs', import.meta.url));
  const child = spawn(process.execPath, [recorder, ...words], {
    stdio: ['ignore', 'ignore', 'pipe'],
    // Options of Node would make it code for such runs alone, and options of ours another run.
    env: { PATH: process.env['PATH'] },
  });
  const limit = setTimeout(() => child.kill('SIGKILL'), 60_000);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text) => {
    errors += text;
  });
  const [code, signal] = await once(child, 'close');
  clearTimeout(limit);
  if (code !== 0) throw new Error(`${words.join(' ')} ended with ${code ?? signal}:\n${errors}`);
}

const connack = [0x20, 3, 0, 0, 0];
/** The first message of QoS 1. */
const puback = [0x40, 2, 0, 1];
/** One filter granted, and a message to it. */
const subackAndMessage = [0x90, 4, 0, 1, 0, 0, 0x30, 5, 0, 1, 0x74, 0, 0x6d];

/**
 * MQTT 5.0 as far as it goes for one client that does one thing.
 * @param {import('node:net').Socket} socket
 */
function answer(socket) {
  let received = Buffer.alloc(0);
  socket.on('error', () => {});
  socket.on('data', (chunk) => {
    received = Buffer.concat([received, chunk]);
    // The remaining lengths of such short packets have one byte.
    while (received.length > 1 && received.length >= 2 + received.readUInt8(1)) {
      const first = received.readUInt8(0);
      const type = first >> 4;
      received = received.subarray(2 + received.readUInt8(1));
      if (type === 1) socket.write(Buffer.from(connack));
      if (first === 0x32) socket.write(Buffer.from(puback));
      if (type === 8) socket.write(Buffer.from(subackAndMessage));
    }
  });
}
