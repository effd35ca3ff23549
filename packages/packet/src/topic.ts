/** What is wrong with a topic name, as the end of a sentence ("must not be empty"), or `undefined`. (4.7) */
export declare function topicNameProblem(topicName: string): string | undefined;
/** What is wrong with a topic filter, `$share` included, or `undefined`. (4.7, 4.8.2) */
export declare function topicFilterProblem(topicFilter: string): string | undefined;
/** Whether a (valid) filter matches a (valid) topic name. `$share/group/` is looked through. (4.7) */
export declare function matches(topicFilter: string, topicName: string): boolean;
/** The parts of `$share/{shareName}/{topicFilter}`, or `undefined` for a filter that is not shared. */
export declare function sharedSubscription(
  topicFilter: string,
): { shareName: string; topicFilter: string } | undefined;
