/** TCP, TLS and Unix sockets for Node and what is compatible with it. */
export { type ConnectedSocket, connectSocket, type SocketOptions } from './connect-socket.ts';
export { openSocket, socketOpener } from './open-socket.ts';
