import { ClientEngine, type ConnectRequest, type DisconnectReason } from '@mqtt-kit/engine';
import type { Clock } from './clock.ts';
import { connectionFailure } from './connection-error.ts';
import { Driver } from './driver.ts';
import type { MqttError } from './errors.ts';
import type { OpenTransport, TransportTarget } from './transport.ts';

/**
 * Connects as `resumption` would, but with a clean session that ends with the connection and without a will, and
 * disconnects: the server then keeps nothing. An engine of its own does it, since
 * that of the client would take this for its connection and send what it has queued.
 *
 * Resolves when the connection is over; rejects with an `MqttError` when it did not come about. Aborting `signal` ends
 * it at once, without a word.
 */
export function discardSession(
  clock: Clock,
  resumption: ConnectRequest,
  open: OpenTransport,
  target: TransportTarget,
  signal: AbortSignal,
): Promise<void> {
  const request: ConnectRequest = {
    ...resumption,
    cleanStart: true,
    will: undefined,
    properties: { ...resumption.properties, sessionExpiryInterval: 0 },
  };
  return new Promise((resolve, reject) => {
    let connected = false;
    const driver: Driver = new Driver(newEngine(), undefined, clock, {
      onEvent(event) {
        if (event.type === 'connected') {
          connected = true;
          driver.disconnect({ reasonCode: 0, properties: {} });
        } else if (event.type === 'disconnected') {
          const error = failure(event.reason, request, driver);
          driver
            .whenClosed()
            .then(() => {
              driver.end();
              if (!connected) throw error;
            })
            .then(resolve, reject);
        }
      },
      onIdle() {},
      onStoreFailed() {},
    });
    signal.addEventListener('abort', () => driver.end(), { once: true });
    driver.connect(request, open, target);
  });
}

function failure(reason: DisconnectReason, request: ConnectRequest, driver: Driver): MqttError {
  return connectionFailure(reason, {
    server: request.serverKey,
    clientId: request.clientId,
    version: request.version,
    transportError: driver.lastEnd.error,
    wasOpened: driver.lastEnd.wasOpened,
    takeOvers: 0,
  }).error;
}

function newEngine(): ClientEngine {
  return new ClientEngine({
    queue: {
      maximumMessages: 0,
      maximumBytes: 0,
      maximumAgeMs: Number.POSITIVE_INFINITY,
      overflow: 'reject',
      queueQos0: false,
      inFlight: 1,
    },
    inbox: { maximumMessages: 1, maximumBytes: 1 },
    recordOperations: false,
    acknowledgeAfter: 'handler',
    foreignSession: 'refuse',
    lostSessionQos2: 'resend',
    pingTimeoutMs: 20_000,
    useTopicAliases: false,
    trace: false,
  });
}
