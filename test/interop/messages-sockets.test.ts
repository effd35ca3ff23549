import { describeMessages } from './support/message-suite.ts';

describeMessages('tcp', 'tls');
