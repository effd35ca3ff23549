import type { Note } from './diagnostics.ts';
import { quoted } from './usage-error.ts';

/** What may have happened to an argument before it came to us, as a hint; `undefined` when nothing tells. */
export function positionalHint(positionals: readonly string[]): string | undefined {
  const dash = positionals.find((text) => /^[\u2010-\u2015\u2212]/.test(text));
  if (dash === undefined) return undefined;
  return `${quoted(dash)} begins with a typographic dash: options begin with -`;
}

/** Topics that are legal, but look like the work of the shell. */
export function topicNotes(topics: readonly string[]): readonly Note[] {
  const notes: Note[] = [];
  for (const topic of topics) {
    if (topic === '/#' || topic.startsWith('/broker/')) {
      notes.push({
        text: `the topic ${quoted(topic)} begins with a slash; if $SYS stood before it, put it in single quotes`,
      });
    } else if (topic.length > 1 && /^(['"]).*\1$/.test(topic)) {
      notes.push({ text: `the quotes are part of the topic ${topic}` });
    }
  }
  return notes;
}
