/** What they take for UTF-8: control characters and the code points that no character has are none. */
export function isUtf8(text: string): boolean {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what is asked for
  return !/[\u0000-\u001f\u007f-\u009f\ufdd0-\ufdef\ud800-\udfff]|[\ufffe\uffff]|\p{Noncharacter_Code_Point}/u.test(
    text,
  );
}
