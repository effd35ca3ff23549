/** SIGHUP comes when the terminal is closed. */
export const endingSignals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Calls back for the first signal that asks to end; the second one ends the process at once. */
export function onEndingSignal(
  first: (signal: NodeJS.Signals) => void,
  second: (signal: NodeJS.Signals) => void,
  signals: readonly NodeJS.Signals[] = endingSignals,
): void {
  let asked = false;
  for (const signal of signals) {
    process.on(signal, () => {
      if (asked) second(signal);
      else first(signal);
      asked = true;
    });
  }
}
