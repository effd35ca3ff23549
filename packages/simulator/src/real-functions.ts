/**
 * Sine, exponential and logarithm from additions, multiplications and divisions alone. The language leaves the last
 * bits of `Math.sin`, `Math.exp` and `Math.log` to the engine, and one bit is enough to change a payload and with it
 * the bytes of a run. What IEEE 754 fixes (`+ - * /`, `Math.sqrt`, rounding) is the same everywhere; these functions
 * use nothing else, and are within a few units of the last place of the true value.
 */

const halfPi = 1.5707963267948966;
const ln2 = Math.LN2;

/**
 * Both in two parts: the head has 33 bits, so that its product with a whole number is exact, the tail the rest of the
 * number and what the number lacks to the true value.
 */
const halfPiHead = Math.floor(halfPi * 2 ** 32) / 2 ** 32;
const halfPiTail = halfPi - halfPiHead + 6.123233995736766e-17;
const ln2Head = Math.floor(ln2 * 2 ** 33) / 2 ** 33;
const ln2Tail = ln2 - ln2Head + 2.3190468138462996e-17;

/** Sine of an angle in radians; exact to some 1e-15 for angles below 1e6. */
export function sineOf(angle: number): number {
  return sineBehind(angle, 0);
}

/** Cosine of an angle in radians. */
export function cosineOf(angle: number): number {
  return sineBehind(angle, 1);
}

/** e to the power of `x`. */
export function exponentialOf(x: number): number {
  if (x < -708) return 0;
  const twos = Math.round(x / ln2);
  const rest = x - twos * ln2Head - twos * ln2Tail;
  let sum = 1;
  for (let n = 17; n > 0; n--) sum = 1 + (rest / n) * sum;
  return sum * powerOfTwo(twos);
}

/** Natural logarithm of a positive number. */
export function logarithmOf(x: number): number {
  let twos = 0;
  let mantissa = x;
  while (mantissa > Math.SQRT2) {
    mantissa /= 2;
    twos += 1;
  }
  while (mantissa < Math.SQRT1_2) {
    mantissa *= 2;
    twos -= 1;
  }
  // ln m = 2 artanh((m - 1) / (m + 1)), whose series has fallen below the last bit after eleven terms.
  const ratio = (mantissa - 1) / (mantissa + 1);
  const square = ratio * ratio;
  let sum = 0;
  for (let odd = 23; odd > 0; odd -= 2) sum = 1 / odd + square * sum;
  return twos * ln2Head + (twos * ln2Tail + 2 * ratio * sum);
}

/** Angle of the vector (x, y) in radians, between minus pi and pi. */
export function angleOf(y: number, x: number): number {
  if (x === 0 && y === 0) return 0;
  if (Math.abs(y) > Math.abs(x)) return (y > 0 ? halfPi : -halfPi) - arcTangent(x / y);
  const angle = arcTangent(y / x);
  if (x > 0) return angle;
  return y < 0 ? angle - 2 * halfPi : angle + 2 * halfPi;
}

/** Sine of an angle and so many right angles more. */
function sineBehind(angle: number, rightAngles: number): number {
  const quarters = Math.round(angle / halfPi);
  const rest = angle - quarters * halfPiHead - quarters * halfPiTail;
  // The remainder of a negative number is negative.
  switch ((((quarters + rightAngles) % 4) + 4) % 4) {
    case 0:
      return smallSine(rest);
    case 1:
      return smallCosine(rest);
    case 2:
      return -smallSine(rest);
    default:
      return -smallCosine(rest);
  }
}

/** For ratios between -1 and 1: the angle is halved twice, after which the series is short. */
function arcTangent(ratio: number): number {
  let quarter = ratio;
  for (let halvings = 0; halvings < 2; halvings++) {
    quarter /= 1 + Math.sqrt(1 + quarter * quarter);
  }
  const square = quarter * quarter;
  let sum = 0;
  for (let odd = 25; odd > 0; odd -= 2) sum = 1 / odd - square * sum;
  return 4 * quarter * sum;
}

function smallSine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let n = 18; n > 0; n -= 2) sum = 1 - (square / (n * (n + 1))) * sum;
  return x * sum;
}

function smallCosine(x: number): number {
  const square = x * x;
  let sum = 1;
  for (let n = 19; n > 0; n -= 2) sum = 1 - (square / (n * (n + 1))) * sum;
  return sum;
}

function powerOfTwo(exponent: number): number {
  let power = 1;
  const factor = exponent < 0 ? 0.5 : 2;
  for (let n = Math.abs(exponent); n > 0; n--) power *= factor;
  return power;
}
