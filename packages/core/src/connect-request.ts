/** What an attempt puts on the wire, and where it goes. */
import type { ConnectRequest } from '@mqtt-kit/engine';
import type { Properties } from '@mqtt-kit/packet';
import type { Preparation } from './attempt-preparation.ts';
import type { ConnectSettings } from './connect-settings.ts';
import type { ConnectionUrl } from './connection-url.ts';
import type { TransportTarget } from './transport.ts';

export function connectRequest(
  settings: ConnectSettings,
  { username, password, will, authenticationData }: Preparation,
  attempt: Pick<ConnectRequest, 'version' | 'clientId' | 'cleanStart' | 'fellBack'>,
): ConnectRequest {
  const { authentication, keepAliveSeconds, urls, waitForConnection } = settings;
  const properties: Properties =
    authentication === undefined
      ? settings.properties
      : {
          ...settings.properties,
          authenticationMethod: authentication.method,
          ...(authenticationData !== undefined && { authenticationData }),
        };
  const { version, clientId, cleanStart, fellBack = false } = attempt;
  return {
    version,
    clientId,
    cleanStart,
    fellBack,
    keepAliveSeconds,
    username,
    password,
    will,
    properties,
    serverKey: urls[0].server,
    pipeline: !waitForConnection && cleanStart && authentication === undefined,
  };
}

export function transportTarget(settings: ConnectSettings, url: ConnectionUrl): TransportTarget {
  const { tls, webSocket, maximumPacketSize } = settings;
  const { scheme, hostname, port, path } = url;
  return { scheme, hostname, port, path, tls, webSocket, maximumPacketSize };
}
