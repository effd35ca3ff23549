import { describe, expect, it } from 'vitest';
import { optionLabel, optionsOf, type ProgramName } from './option-table.ts';

describe.each<ProgramName>(['mqtt-pub', 'mqtt-sub', 'mqtt-request'])(
  'the options of %s',
  (program) => {
    const options = optionsOf(program);

    it('have names and letters of their own', () => {
      const names = options.flatMap((option) => [option.name, ...(option.aliases ?? [])]);
      const letters = options.flatMap((option) => option.short ?? []);
      expect(new Set(names).size).toBe(names.length);
      expect(new Set(letters).size).toBe(letters.length);
      expect(letters.every((letter) => /^[A-Za-z]$/.test(letter))).toBe(true);
    });

    it('say what their value is, unless they are flags', () => {
      for (const option of options) {
        expect(option.placeholder === undefined, option.name).toBe(option.kind === 'flag');
        expect(option.choices !== undefined, option.name).toBe(option.kind === 'choice');
        expect(option.description, option.name).not.toMatch(/\.$/);
      }
    });

    it('are spelled as mosquitto spells them', () => {
      const spelled = options.map((option) => `${optionLabel(option)} --${option.name}`);
      const common = [
      '-h --host', '-p --port', '-u --username', '-P --pw', '-i --id', '-q --qos', '-t --topic',
      '-c --disable-clean-session', '-k --keepalive', '-V --protocol-version', '-d --debug',
      '-L --url',
    ]; // biome-ignore format: one line of mosquitto's names is easier to compare
      const own = {
        'mqtt-pub': [
          '-m --message',
          '-f --file',
          '-s --stdin-file',
          '-l --stdin-line',
          '-n --null-message',
          '-r --retain',
        ],
        'mqtt-sub': ['-v --verbose', '-C --count', '-W --timeout', '-T --filter-out'],
        'mqtt-request': ['-m --message', '-v --verbose', '-e --response-topic'],
      };
      expect(spelled).toEqual(expect.arrayContaining([...common, ...own[program]]));
    });

    it('some fifteen are in the short help', () => {
      expect(options.filter((option) => option.common).length).toBeLessThanOrEqual(19);
    });
  },
);
