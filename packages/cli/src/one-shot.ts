/** A promise that the first of several events settles. */
export interface OneShot<T> {
  readonly promise: Promise<T>;
  readonly settled: boolean;
  /** Has an effect the first time alone. */
  settle(value: T): void;
}

export function oneShot<T>(): OneShot<T> {
  let resolve: (value: T) => void = () => {};
  let settled = false;
  const promise = new Promise<T>((settle) => {
    resolve = settle;
  });
  return {
    promise,
    get settled() {
      return settled;
    },
    settle(value) {
      settled = true;
      resolve(value);
    },
  };
}
