// aedes 2 beta in a process of its own, on the port of the loopback interface that it is told.
import { createServer } from 'node:net';
import { Aedes } from 'aedes-5';

const broker = await Aedes.createBroker();
const server = createServer({ noDelay: true }, (socket) => broker.handle(socket));
server.listen(Number(process.argv[2]), '127.0.0.1');
