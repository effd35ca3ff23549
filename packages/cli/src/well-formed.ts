import { quoted, UsageError } from './usage-error.ts';

/** The text as MQTT can carry it. Throws `UsageError` that names the option. */
export function wellFormed(option: string, text: string): string {
  if (text.includes('\0') || /[\ud800-\udfff]/u.test(text)) {
    throw new UsageError(`${option} must be UTF-8 text without U+0000, not ${quoted(text)}`);
  }
  return text;
}
