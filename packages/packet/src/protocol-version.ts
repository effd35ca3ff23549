/** The protocol versions that mqtt-kit speaks. MQTT 3.1 is refused with a clear error. */
export type ProtocolVersion = '3.1.1' | '5.0';
