/** Completion for shells, made from the table of options. */
import { type OptionDefinition, optionsOf, type ProgramName } from './option-table.ts';
import { packetProperties } from './property-options.ts';

export type Shell = 'bash' | 'zsh' | 'fish';

/** The script that a shell reads, e.g. by `source <(mqtt-pub --completion bash)`. */
export function completionScript(program: ProgramName, shell: Shell): string {
  switch (shell) {
    case 'bash':
      return bash(program);
    case 'zsh':
      return zsh(program);
    case 'fish':
      return fish(program);
  }
}

function spellings({ name, aliases = [], short }: OptionDefinition): readonly string[] {
  return [
    ...(short === undefined ? [] : [`-${short}`]),
    `--${name}`,
    ...aliases.map((alias) => `--${alias}`),
  ];
}

function choicesOf({ choices = {} }: OptionDefinition): string {
  return Object.keys(choices).join(' ');
}

const packets = Object.keys(packetProperties).join(' ');
const properties = [
  ...new Set(Object.values(packetProperties).flatMap((names) => Object.keys(names))),
].join(' ');

function bash(program: ProgramName): string {
  const options = optionsOf(program);
  const all = options.flatMap(spellings).join(' ');
  const cases = options.flatMap((option) => {
    const pattern = spellings(option).join('|');
    if (option.kind === 'choice') {
      return [
        `    ${pattern}) COMPREPLY=($(compgen -W '${choicesOf(option)}' -- "$word")); return;;`,
      ];
    }
    if (option.kind === 'file') {
      return [`    ${pattern}) COMPREPLY=($(compgen -f -- "$word")); return;;`];
    }
    if (option.kind === 'property') {
      return [`    ${pattern}) COMPREPLY=($(compgen -W '${packets}' -- "$word")); return;;`];
    }
    return option.kind === 'flag' ? [] : [`    ${pattern}) return;;`];
  });
  const name = functionName(program);
  return `# Completion of ${program} for bash: source it, or put it into a folder of bash-completion.
${name}() {
  local word="\${COMP_WORDS[COMP_CWORD]}" before="\${COMP_WORDS[COMP_CWORD-1]}"
  COMPREPLY=()
  case "\${COMP_WORDS[COMP_CWORD-2]}" in
    -D|--property) COMPREPLY=($(compgen -W '${properties}' -- "$word")); return;;
  esac
  case "$before" in
${cases.join('\n')}
  esac
  case "$word" in
    -*) COMPREPLY=($(compgen -W '${all}' -- "$word"));;
  esac
}
complete -o default -F ${name} ${program}
`;
}

function functionName(program: ProgramName): string {
  return `_${program.replace('-', '_')}`;
}

function zsh(program: ProgramName): string {
  const specs = optionsOf(program).flatMap((option) => {
    const { kind, placeholder = '', description } = option;
    const repeats = option.repeats ? '*' : '';
    const text = zshText(description);
    const action = kind === 'choice' ? `(${choicesOf(option)})` : kind === 'file' ? '_files' : ' ';
    const value =
      kind === 'flag'
        ? ''
        : kind === 'property'
          ? `:packet:(${packets}):property:(${properties}):value: `
          : `:${zshText(placeholder)}:${action}`;
    const one = kind !== 'flag' && kind !== 'property';
    return spellings(option).map((spelling) => {
      // The value also stands behind a sign of equality.
      const equals = one && spelling.startsWith('--') ? '=' : '';
      return `    '${repeats}${spelling}${equals}[${text}]${value}'`;
    });
  });
  return `#compdef ${program}
# Completion of ${program} for zsh: put it as _${program} into a folder of $fpath.
_arguments -s \\
${specs.join(' \\\n')} \\
    '*: :_files'
`;
}

/** Within single quotes, with what _arguments takes as its own signs escaped. */
function zshText(text: string): string {
  return text.replace(/[\\[\]:]/g, '\\$&').replaceAll("'", `'\\''`);
}

function fish(program: ProgramName): string {
  const lines = optionsOf(program).map((option) => {
    const { name, aliases = [], short, kind, description } = option;
    const parts = [
      `complete -c ${program}`,
      ...(short === undefined ? [] : [`-s ${short}`]),
      ...[name, ...aliases].map((long) => `-l ${long}`),
      kind === 'flag' ? '-f' : kind === 'file' ? '-r -F' : '-x',
      ...(kind === 'choice' ? [`-a '${choicesOf(option)}'`] : []),
      ...(kind === 'property' ? [`-a '${packets}'`] : []),
      `-d '${description.replace(/['\\]/g, '\\$&')}'`,
    ];
    return parts.join(' ');
  });
  const isProperty = `_${functionName(program)}_property`;
  return `# Completion of ${program} for fish: put it into ~/.config/fish/completions/${program}.fish
function ${isProperty}
    set -l words (commandline -opc)
    test (count $words) -gt 2; and contains -- $words[-2] -D --property
end
${lines.join('\n')}
complete -c ${program} -n ${isProperty} -f -a '${properties}'
`;
}
