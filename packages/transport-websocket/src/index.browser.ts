/** MQTT over WebSocket on the platform's own `WebSocket`: pages, workers, and every runtime that has one. */
export { openWebSocket } from './open-web-socket.browser.ts';
