/** Variable Byte Integers: seven bits a byte, the least significant first, at most four bytes (1.5.5). */

export const maximumVariableByteInteger = 268_435_455;

/** The largest packet there can be: one byte of type and flags, four of Remaining Length, and what that can say. */
export const maximumPacketSize: number = 1 + 4 + maximumVariableByteInteger;

/** The number of bytes of the shortest form, which is the only one allowed. [MQTT-1.5.5-1] */
export function variableByteIntegerSize(value: number): number {
  if (value < 128) return 1;
  if (value < 16_384) return 2;
  return value < 2_097_152 ? 3 : 4;
}
