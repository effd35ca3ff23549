/** One program for a dedicated, a shared and a service worker: does a round trip when it is asked to, and answers. */
import './client-page.ts';
import type { ClientPage } from './client-page.ts';

declare const clientPage: ClientPage;

function serve(port: MessagePort): void {
  port.onmessage = ({ data }: MessageEvent<Parameters<ClientPage['roundTrip']>>) => {
    clientPage.roundTrip(...data).then(
      (told) => port.postMessage(told),
      (error) => port.postMessage(String(error)),
    );
  };
}

// A page hands its port over: to a shared worker by connecting, to the others by a message.
addEventListener('connect', (event) => serve((event as MessageEvent).ports[0] as MessagePort));
addEventListener('message', (event) => {
  const [port] = (event as MessageEvent).ports;
  if (port !== undefined) serve(port);
});
