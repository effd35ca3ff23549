import { describeMessages } from './support/message-suite.ts';

// In a file of its own: mosquitto takes its time with WebSockets, and files run side by side.
describeMessages('webSocket', 'secureWebSocket');
