import { describe, expect, it } from 'vitest';
import { completionScript } from './completion-script.ts';
import { manualPage } from './manual-page.ts';
import { optionsOf, type ProgramName } from './option-table.ts';

const programs: readonly ProgramName[] = ['mqtt-pub', 'mqtt-sub', 'mqtt-request'];

describe.each(programs)('of %s', (program) => {
  it.each(['bash', 'zsh', 'fish'] as const)('the completion for %s knows every option', (shell) => {
    const script = completionScript(program, shell);
    for (const { name, short } of optionsOf(program)) {
      expect(script).toContain(shell === 'fish' ? `-l ${name} ` : `--${name}`);
      if (short !== undefined)
        expect(script).toContain(shell === 'fish' ? `-s ${short} ` : `-${short}`);
    }
  });

  it('the manual page describes every option once', () => {
    const page = manualPage(program, '1.2.3');
    for (const { name } of optionsOf(program)) {
      expect(page.split(`\\fB\\-\\-${name.replaceAll('-', '\\-')}\\fR`)).toHaveLength(2);
    }
    // No line begins with a sign that roff takes for a command, but commands.
    for (const line of page.split('\n').filter((one) => /^[.']/.test(one))) {
      expect(line).toMatch(/^\.(TH|SH|SS|TP|B)( |$)/);
    }
  });
});
