/** The screen of mosquitto_sub's `-w`: a line for each topic, in the order in which they come. */
import type { MessageFormat } from './message-format.ts';
import type { MessageOutput } from './message-output.ts';
import type { Printer } from './printer.ts';

/** `format` prints a message where its line begins. */
export function mosquittoWatch(
  host: string,
  format: MessageFormat,
  output: MessageOutput,
): Printer {
  /** The first line names the server. */
  const lines = new Map<string, number>();
  output.text(`\u001b[2J\u001b[1;1HBroker: ${host}\n`);
  return {
    print(message) {
      const line = lines.get(message.topic) ?? lines.size + 2;
      lines.set(message.topic, line);
      output.text(`\u001b[${line};1H`);
      format(message, output);
      output.text(`\u001b[${lines.size + 1};1H\n`);
    },
  };
}
