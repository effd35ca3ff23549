/**
 * A server that breaks every rule there is, with packets made by hand: what is malformed ends the connection at once
 * (5.0: after a DISCONNECT with the reason), what is valid is delivered exactly. The tables stand in `hostile/`.
 */
import { connect } from 'mqtt-kit';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  publishAcknowledgementTable,
  requestAcknowledgementTable,
} from './hostile/acknowledgement-table.ts';
import { connackTable } from './hostile/connack-table.ts';
import { authTable, disconnectTable } from './hostile/farewell-table.ts';
import { firstByteTable, remainingLengthTable } from './hostile/fixed-header-table.ts';
import { type Manner, playConnackRow, playRow } from './hostile/play.ts';
import {
  misplacedPropertyTable,
  publishPropertyTable,
  stringPropertyTable,
} from './hostile/property-table.ts';
import { exchangeTable, payloadTable, publishFieldTable } from './hostile/publish-table.ts';
import type { Row } from './hostile/row.ts';
import type { Version } from './support/bytes.ts';
import { RawServer, turn } from './support/raw-server.ts';

/** Longer attacks are played in one chunk alone. */
const longestByteByByte = 400;

const unhandled: unknown[] = [];
const note = (error: unknown): void => {
  unhandled.push(error);
};

beforeAll(() => {
  process.on('uncaughtException', note);
  process.on('unhandledRejection', note);
});

afterAll(() => {
  process.off('uncaughtException', note);
  process.off('unhandledRejection', note);
});

const tables = (version: Version): [string, Row[]][] => [
  ['first bytes', firstByteTable(version)],
  ['Remaining Lengths', remainingLengthTable(version)],
  ['fields of PUBLISH', publishFieldTable(version)],
  ['payloads', payloadTable(version)],
  ['exchanges', exchangeTable(version)],
  ['acknowledgements of PUBLISH', publishAcknowledgementTable(version)],
  ['acknowledgements of requests', requestAcknowledgementTable(version)],
  ...(version === '5.0'
    ? ([
        ['properties of PUBLISH', publishPropertyTable()],
        ['misplaced properties', misplacedPropertyTable()],
        ['strings in properties', stringPropertyTable()],
        ['DISCONNECT', disconnectTable()],
        ['AUTH', authTable()],
      ] satisfies [string, Row[]][])
    : []),
];

for (const version of ['5.0', '3.1.1'] as const) {
  describe(`a hostile ${version} server`, () => {
    for (const manner of ['in one chunk', 'one byte at a time'] as const) {
      describe(manner, () => {
        for (const [name, rows] of tables(version)) {
          describe(name, () => {
            for (const row of rows) {
              if (played(row, manner)) it(row.name, () => playRow(version, row, manner));
            }
          });
        }
        describe('before a connection is accepted', () => {
          for (const row of connackTable(version)) {
            it(row.name, () => playConnackRow(version, row, manner));
          }
        });
      });
    }
  });
}

function played(row: Row, manner: Manner): boolean {
  if (manner === 'in one chunk') return true;
  const attack = typeof row.send === 'function' ? row.send({ id: 1, subscription: 1 }) : row.send;
  return attack.length <= longestByteByByte;
}

describe('memory', () => {
  it('is not taken for bytes that were announced and never sent', async () => {
    const server = new RawServer('5.0');
    await server.listen();
    const clients = await Promise.all(
      Array.from({ length: 20 }, () => connect(server.url, { version: '5.0' })),
    );
    const before = process.memoryUsage().arrayBuffers;
    // 16 MiB less a little, which the client must accept, and 64 bytes of it.
    for (const connection of server.connections) {
      connection.write('30 f0 ff ff 07', new Uint8Array(64).fill(0x61));
    }
    for (let count = 0; count < 20; count += 1) await turn();
    const grown = process.memoryUsage().arrayBuffers - before;
    expect(clients.every((client) => client.connected)).toBe(true);
    expect(grown).toBeLessThan(8 * 1_048_576);
    await Promise.all(clients.map((client) => client.close({ timeoutMs: 0 })));
    await server.close();
  });
});

describe('the process', () => {
  it('saw no uncaught exception and no unhandled rejection', async () => {
    await turn();
    expect(unhandled).toEqual([]);
  });
});
