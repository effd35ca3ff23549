// aedes 2 beta in a process of its own, on a port of the loopback interface that it prints.
import { createServer } from 'node:net';
import { Aedes } from 'aedes-5';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (typeof address === 'object' && address !== null) console.log(`port ${address.port}`);
});
