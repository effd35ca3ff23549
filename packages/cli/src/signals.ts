/** SIGHUP comes when the terminal is closed. */
const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls back for the first signal that asks to end; the second one ends the process at once. */
export function onEndingSignal(
  first: (signal: NodeJS.Signals) => void,
  second: (signal: NodeJS.Signals) => void,
): void {
  let asked = false;
  for (const signal of endingSignals) {
    process.on(signal, () => {
      if (asked) second(signal);
      else first(signal);
      asked = true;
    });
  }
}
