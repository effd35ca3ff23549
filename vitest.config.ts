import { defineConfig } from 'vitest/config';

// Sources are taken straight from src by a private export condition: no build is needed to test.
const resolve = { conditions: ['mqtt-kit-source', 'module', 'node', 'development|production'] };
const ssr = {
  resolve: {
    conditions: ['mqtt-kit-source', 'node', 'module'],
    externalConditions: ['mqtt-kit-source', 'node'],
  },
};
const base = { resolve, ssr };

export default defineConfig({
  test: {
    // Half of the time tests wait for processes and sockets: one more than the machine would be given by itself.
    maxWorkers: 2,
    projects: [
      {
        ...base,
        test: {
          name: 'unit',
          testTimeout: 30_000,
          include: ['packages/*/src/**/*.test.ts', 'apps/*/src/**/*.test.ts'],
        },
      },
      {
        ...base,
        test: {
          name: 'system',
          include: ['test/**/*.test.ts'],
          exclude: ['test/faults/**'],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
      {
        ...base,
        // A dozen processes that are killed all the time: when the others are done.
        test: {
          name: 'faults',
          include: ['test/faults/**/*.test.ts'],
          maxWorkers: 1,
          sequence: { groupOrder: 1 },
        },
      },
    ],
  },
});
