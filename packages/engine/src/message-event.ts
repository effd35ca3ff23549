import type { PublishPacket } from '@mqtt-kit/packet';
import type { Delivery } from './request.ts';

/**
 * A message came. A class, since it is what nearly all events are: asked for its class it costs nothing, while asking
 * the many shapes of events for their `type` took a twentieth of what receiving at QoS 0 costs.
 */
export class MessageEvent {
  declare readonly type: 'message';
  declare readonly connection: number;
  declare readonly delivery: Delivery;
  /** Its topic is absolute: an alias is resolved. */
  declare readonly packet: PublishPacket;
  /** It was handed out before, in an earlier life of the process. */
  declare readonly redelivered: boolean;

  constructor(connection: number, delivery: Delivery, packet: PublishPacket, redelivered: boolean) {
    this.type = 'message';
    this.connection = connection;
    this.delivery = delivery;
    this.packet = packet;
    this.redelivered = redelivered;
  }
}
