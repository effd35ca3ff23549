import type { MqttClient, Status } from 'mqtt-kit';
import { byId, setText } from './elements.ts';

/** The line at the top that says where the client stands, why, and what still waits. */
export class ConnectionLine {
  readonly #client: MqttClient;
  readonly #line = byId('connection');

  constructor(client: MqttClient) {
    this.#client = client;
    client.on('status', (status) => this.#show(status));
    // What goes wrong without a promise: the status tells of lost connections already.
    client.on('error', (error) => {
      if (error.code !== 'connectionLost' && error.code !== 'webSocketFailed') {
        showNotice(error.message);
      }
    });
    this.#show(client.status);
  }

  /** Something was published, or has arrived. */
  showQueued(): void {
    this.#show(this.#client.status);
  }

  #show(status: Status): void {
    this.#line.dataset['state'] = status.state;
    const { messages } = this.#client.queued;
    const waits = messages === 1 ? '1 change waits' : `${messages} changes wait`;
    setText(this.#line, `${describe(status)}${messages > 0 ? `. ${waits}` : ''}`);
  }
}

function describe(status: Status): string {
  switch (status.state) {
    case 'connected':
      return `Connected, MQTT ${status.version}`;
    case 'connecting':
      return 'Connecting';
    case 'reconnecting':
      return `Not connected: ${withoutUrl(status.reason.message)}`;
    case 'closed':
      return `Closed${status.reason === undefined ? '' : `: ${status.reason.message}`}`;
  }
}

/** The reason alone: the page knows where it connects to. */
function withoutUrl(message: string): string {
  return message.replace(/^(cannot open )?wss?:\/\/\S+?:? (was )?(?=\w)/, '');
}

/** Says something that stays until the page is left. */
export function showNotice(text: string): void {
  const notice = byId('notice');
  notice.hidden = false;
  setText(notice, text);
}
