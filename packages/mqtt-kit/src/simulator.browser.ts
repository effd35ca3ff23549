import { type Fleet, type FleetDefinition, fleetWith } from '@mqtt-kit/simulator';
import { connect } from './index.browser.ts';

export * from '@mqtt-kit/simulator';

/**
 * Makes a fleet of simulated devices of a definition, or of several that run together.
 *
 * ```ts
 * const meters = fleet({ count: 100, every: '1s', signals: { power: 'walk(300, 5, 40..4000).round(0)' } });
 * await meters.run('mqtt://localhost', { for: '10m' });
 * ```
 *
 * Throws a `DefinitionError` that names the place of a mistake.
 */
export function fleet(definition: FleetDefinition | readonly FleetDefinition[]): Fleet {
  return fleetWith(connect, definition);
}
