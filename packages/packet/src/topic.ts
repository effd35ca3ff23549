/**
 * Topic names, topic filters and what matches what (4.7, 4.8.2). Names are compared code unit by code
 * unit, nothing is normalised. [MQTT-4.7.3-4]
 */
import { isKnownTopicName } from './known-topic-names.ts';
import { utf8Size } from './utf8-string.ts';

const sharedPrefix = '$share/';

/** What is wrong with a topic name, as the end of a sentence ("must not be empty"), or `undefined`. (4.7) */
export function topicNameProblem(topicName: string): string | undefined {
  if (isKnownTopicName(topicName)) return undefined;
  return topicNameShapeProblem(topicName) ?? textProblem(topicName);
}

/** What is wrong with a topic filter, `$share` included, or `undefined`. (4.7, 4.8.2) */
export function topicFilterProblem(topicFilter: string): string | undefined {
  return topicFilterShapeProblem(topicFilter) ?? textProblem(topicFilter);
}

/** `topicNameProblem` without what holds for every string, for text that is checked as such anyway. */
export function topicNameShapeProblem(topicName: string): string | undefined {
  if (topicName === '') return 'must not be empty'; // [MQTT-4.7.3-1]
  return noWildcardProblem(topicName);
}

/** `topicFilterProblem` without what holds for every string, for text that is checked as such anyway. */
export function topicFilterShapeProblem(topicFilter: string): string | undefined {
  if (topicFilter === '') return 'must not be empty'; // [MQTT-4.7.3-1]
  if (!topicFilter.startsWith(sharedPrefix)) return wildcardProblem(topicFilter, 0);
  const slashIndex = topicFilter.indexOf('/', sharedPrefix.length);
  const shareName = topicFilter.slice(
    sharedPrefix.length,
    slashIndex < 0 ? topicFilter.length : slashIndex,
  );
  if (shareName === '') {
    return 'must have a share name of at least one character after "$share/"'; // [MQTT-4.8.2-1]
  }
  const problem = noWildcardProblem(shareName);
  if (problem !== undefined) return `has a share name which ${problem}`; // [MQTT-4.8.2-2]
  if (slashIndex < 0 || slashIndex === topicFilter.length - 1) {
    return 'must have "/" and a topic filter after its share name'; // [MQTT-4.8.2-2]
  }
  return wildcardProblem(topicFilter, slashIndex + 1);
}

/** Whether a (valid) filter matches a (valid) topic name. `$share/group/` is looked through. (4.7) */
export function matches(topicFilter: string, topicName: string): boolean {
  let filterIndex = 0;
  if (topicFilter.startsWith(sharedPrefix)) {
    filterIndex = topicFilter.indexOf('/', sharedPrefix.length) + 1;
  }
  // A wildcard in the first level does not match names of the server's own use. [MQTT-4.7.2-1]
  if (topicName.startsWith('$') && isWildcard(topicFilter.charCodeAt(filterIndex))) return false;
  let nameIndex = 0;
  while (filterIndex < topicFilter.length) {
    const unit = topicFilter.charCodeAt(filterIndex);
    if (unit === hash) return true; // [MQTT-4.7.1-1]: it stands last, and takes what is left.
    if (unit === plus) {
      // [MQTT-4.7.1-2]: exactly one level, empty or not.
      const slashIndex = topicName.indexOf('/', nameIndex);
      nameIndex = slashIndex < 0 ? topicName.length : slashIndex;
    } else if (nameIndex < topicName.length && topicName.charCodeAt(nameIndex) === unit) {
      nameIndex += 1;
    } else {
      // "a/#" includes its parent "a".
      return nameIndex === topicName.length && isSlashHash(topicFilter, filterIndex);
    }
    filterIndex += 1;
  }
  return nameIndex === topicName.length;
}

/** The parts of `$share/{shareName}/{topicFilter}`, or `undefined` for a filter that is not shared. */
export function sharedSubscription(
  topicFilter: string,
): { shareName: string; topicFilter: string } | undefined {
  if (!topicFilter.startsWith(sharedPrefix)) return undefined;
  const slashIndex = topicFilter.indexOf('/', sharedPrefix.length);
  if (slashIndex < 0) return undefined;
  return {
    shareName: topicFilter.slice(sharedPrefix.length, slashIndex),
    topicFilter: topicFilter.slice(slashIndex + 1),
  };
}

/** What is wrong with the wildcards of a filter that begins at `start`: each stands alone in its level, "#" in the last. */
function wildcardProblem(topicFilter: string, start: number): string | undefined {
  for (let index = start; index < topicFilter.length; index += 1) {
    const unit = topicFilter.charCodeAt(index);
    if (!isWildcard(unit)) continue;
    const atLevelStart = index === start || topicFilter.charCodeAt(index - 1) === slash;
    const atEnd = index + 1 === topicFilter.length;
    const atLevelEnd = atEnd || topicFilter.charCodeAt(index + 1) === slash;
    if (!atLevelStart || !atLevelEnd) {
      // [MQTT-4.7.1-1] [MQTT-4.7.1-2]
      return `must have "${topicFilter[index]}" alone in its level, found it beside other characters at index ${index}`;
    }
    if (unit === hash && !atEnd) {
      return `must have "#" in its last level only, found it at index ${index}`; // [MQTT-4.7.1-1]
    }
  }
  return undefined;
}

/** [MQTT-4.7.3-2] [MQTT-4.7.3-3], and well-formed as every string. */
function textProblem(text: string): string | undefined {
  const size = utf8Size(text);
  return typeof size === 'string' ? size : undefined;
}

/** [MQTT-4.7.0-1] [MQTT3-4.7.1-1] */
function noWildcardProblem(text: string): string | undefined {
  const wildcard = text.includes('+') ? '+' : '#';
  const index = text.indexOf(wildcard);
  if (index < 0) return undefined;
  return `must not contain wildcards, found "${wildcard}" at index ${index}`;
}

function isSlashHash(topicFilter: string, index: number): boolean {
  return topicFilter.charCodeAt(index) === slash && topicFilter.charCodeAt(index + 1) === hash;
}

function isWildcard(unit: number): boolean {
  return unit === plus || unit === hash;
}

const slash = 0x2f;
const plus = 0x2b;
const hash = 0x23;
