export { type AutomaticAnswers, answerAutomatically } from './automatic-answers.ts';
export { type Chunking, chunksOf } from './chunking.ts';
export { describeBytes, describePacket, packetTypeName } from './describe-packet.ts';
export { FaultyStore, type FaultyStoreOptions } from './faulty-store.ts';
export { matchesFields } from './match-fields.ts';
export {
  ModelBroker,
  type ModelBrokerHooks,
  type ModelConnectionPlan,
} from './model-broker.ts';
export { ModelConnection } from './model-broker-connection.ts';
export { ModelDecoder } from './model-broker-decoder.ts';
export * from './model-broker-packets.ts';
export type { ModelSession } from './model-broker-session.ts';
export * from './packet-builders.ts';
export { Prng } from './prng.ts';
export { ScriptedBroker, type ScriptedBrokerOptions } from './scripted-broker.ts';
export { listenTcp, type TcpListener, type TcpListenerOptions } from './scripted-broker-tcp.ts';
export {
  concatenate,
  type DeepPartial,
  fromHex,
  type PacketOf,
  ScriptedConnection,
} from './scripted-connection.ts';
export type {
  ServerStream,
  ServerStreamEnd,
  ServerStreamHandlers,
  ServerStreamListener,
} from './server-stream.ts';
export {
  type SessionStoreCase,
  type SessionStoreSubject,
  sessionStoreContract,
} from './session-store-contract.ts';
export { VirtualClock, type VirtualClockOptions } from './virtual-clock.ts';
export {
  type ConnectPlan,
  type CutManner,
  type Direction,
  VirtualConnection,
  VirtualLink,
  type VirtualLinkOptions,
} from './virtual-link.ts';
export { type PipeReceiver, VirtualPipe } from './virtual-pipe.ts';
