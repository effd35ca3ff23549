export type {
  Negotiated,
  OutgoingMessage,
  SessionOperation,
  SessionSnapshot,
} from '@mqtt-kit/engine';
export {
  matches,
  type Packet,
  type Properties,
  type QoS,
  ReasonCode,
  reasonCodeName,
  sharedSubscription,
  topicFilterProblem,
  topicNameProblem,
  type UserProperty,
} from '@mqtt-kit/packet';
export type {
  ClientEvents,
  CloseResult,
  Environment,
  EnvironmentWatcher,
  MqttClient,
  PublishPromise,
  PublishResult,
  SessionLoss,
} from './client.ts';
export { type Cancel, type Clock, systemClock } from './clock.ts';
export { connectWith } from './connect.ts';
export {
  MqttBreachError,
  MqttError,
  type MqttErrorCode,
  type MqttErrorDetails,
  MqttUsageError,
} from './errors.ts';
export { type MemoryStore, memoryStore, memoryStoreOver } from './memory-session-store.ts';
export type { Message } from './message.ts';
export type * from './options.ts';
export type { SessionIdentity, SessionStore } from './session-store.ts';
export type { Status } from './status.ts';
export { MqttSubscribeError } from './subscribe-error.ts';
export type { MessageHandler, Subscription, SubscriptionGrant } from './subscription.ts';
export { type TopicParams, type TopicPattern, topic } from './topic-pattern.ts';
export type * from './transport.ts';
