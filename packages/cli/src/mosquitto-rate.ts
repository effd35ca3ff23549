/** The lines of mosquitto_sub's `--message-rate`: how many messages came in each second, and since the last line. */
import type { MessageOutput } from './message-output.ts';
import type { Printer } from './printer.ts';

/** A line that would follow so soon is the one before. */
const sameMs = 500;

export function mosquittoRate(output: MessageOutput): Printer {
  let count = 0;
  let toldAtMs = performance.now();
  const tell = (): void => {
    output.text(`${count} msgs/s\n`);
    count = 0;
    toldAtMs = performance.now();
  };
  const timer = setInterval(tell, 1000);
  return {
    print() {
      count += 1;
    },
    end() {
      clearInterval(timer);
      if (performance.now() - toldAtMs > sameMs) tell();
    },
  };
}
