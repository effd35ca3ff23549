/** `--exec COMMAND`: a shell command for each message, a few at once. */
import { spawn } from 'node:child_process';
import { cpus } from 'node:os';
import type { Message } from 'mqtt-kit';
import type { Diagnostics } from './diagnostics.ts';
import type { Executor } from './message-taker.ts';

/**
 * The payload is the command's standard input; `MQTT_TOPIC`, `MQTT_QOS` and `MQTT_RETAIN` are in its environment, so
 * that nothing of a message ever becomes a part of the command. What it prints goes where our own output goes.
 */
export function messageExecutor(command: string, diagnostics: Diagnostics): Executor {
  const mostAtOnce = Math.max(2, cpus().length);
  const running = new Set<Promise<void>>();
  return {
    run: async (message) => {
      while (running.size >= mostAtOnce) await Promise.race(running);
      const run = execute(command, message, diagnostics);
      running.add(run);
      void run.then(() => running.delete(run));
      // At QoS 1 and 2 the message is acknowledged when its command is done.
      if (message.qos > 0) await run;
      else if (running.size >= mostAtOnce) await Promise.race(running);
    },
    end: async () => {
      await Promise.all(running);
    },
  };
}

function execute(command: string, message: Message, diagnostics: Diagnostics): Promise<void> {
  return new Promise((resolve) => {
    const child = spawn(command, {
      shell: true,
      stdio: ['pipe', 'inherit', 'inherit'],
      env: {
        ...process.env,
        MQTT_TOPIC: message.topic,
        MQTT_QOS: `${message.qos}`,
        MQTT_RETAIN: message.retain ? '1' : '0',
      },
    });
    // A command need not read what it is given.
    child.stdin.on('error', () => {});
    child.stdin.end(message.payload);
    const ended = (why: string | undefined): void => {
      if (why !== undefined) diagnostics.note({ text: `--exec: the command ${why}` });
      resolve();
    };
    child.once('error', (error) => ended(`cannot be started: ${error.message}`));
    child.once('close', (code, signal) =>
      ended(code === 0 ? undefined : `ended with ${signal ?? `exit code ${code}`}`),
    );
  });
}
