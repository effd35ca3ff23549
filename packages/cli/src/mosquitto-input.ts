import type { Diagnostics } from './diagnostics.ts';
import { MosquittoMistake } from './mosquitto-mistake.ts';
import { wholeInput } from './publisher.ts';

/** Standard input as one message, read before anything is sent. Throws `MosquittoMistake` when it is empty. */
export async function mosquittoInput(diagnostics: Diagnostics): Promise<Uint8Array> {
  try {
    return await wholeInput(diagnostics);
  } catch (error) {
    const { message } = error as Error;
    const what = message.includes('is empty') ? 'Zero length input.' : message;
    throw new MosquittoMistake(`Error: ${what}\nError loading input from stdin.\n`, {
      isQuiet: true,
    });
  }
}
