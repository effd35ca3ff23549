/** As much of `node:crypto` as the file store uses, without chance: each salt and each nonce is another one. */
export { createHash } from 'node:crypto';

let last = 0;

/** Each run begins with the same ones. */
export function restartRandomBytes(): void {
  last = 0;
}

export function randomBytes(length: number): Buffer {
  last += 1;
  return Buffer.alloc(length, `${last}.`);
}
