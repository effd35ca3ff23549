/** The manual page of a program, made from the table of options: `man ./mqtt-pub.1`. */
import {
  type OptionDefinition,
  optionGroups,
  optionsOf,
  type ProgramName,
} from './option-table.ts';

const purposes: Readonly<Record<ProgramName, string>> = {
  'mqtt-pub': 'publish MQTT messages',
  'mqtt-sub': 'show MQTT messages as they come',
  'mqtt-request': 'publish a request and show the response',
};

const usages: Readonly<Record<ProgramName, string>> = {
  'mqtt-pub': '[\\fIOPTIONS\\fR] \\fITOPIC\\fR [\\fIMESSAGE\\fR]',
  'mqtt-sub': '[\\fIOPTIONS\\fR] \\fITOPIC\\fR',
  'mqtt-request': '[\\fIOPTIONS\\fR] \\fITOPIC\\fR [\\fIMESSAGE\\fR]',
};

/** In the language of man(7). */
export function manualPage(program: ProgramName, version: string): string {
  const options = optionsOf(program);
  const groups = optionGroups.flatMap((group) => {
    const ofGroup = options.filter((option) => option.group === group);
    return ofGroup.length === 0 ? [] : [`.SS ${group}`, ...ofGroup.map(optionText)];
  });
  return `.TH ${program.toUpperCase()} 1 "" "mqtt-kit ${version}" "User Commands"
.SH NAME
${roff(program)} \\- ${purposes[program]}
.SH SYNOPSIS
.B ${program}
${usages[program]}
.SH OPTIONS
${groups.join('\n')}
.SH ENVIRONMENT
.TP
MQTT_PASSWORD
The password, for a user name that is given.
.TP
MQTT_PROFILE
The profile to take options from.
.TP
MQTT_COMPAT
With the value mosquitto the program is like its counterpart of mosquitto in every way, as it is when called under that name.
.TP
NO_COLOR, FORCE_COLOR
Turn colours off or on.
.SH FILES
.TP
$XDG_CONFIG_HOME/mqtt\\-kit/profiles
The profiles, one file of options each.
.SH "EXIT STATUS"
0 done, 1 cannot write output, recording or queue, 27 time limit, 64 usage, 68 host not found, 69 unreachable or refused, 70 internal error, 73 publish refused, 74 subscription refused, 75 connection lost, 76 TLS or protocol, 77 not authorised, 130 and 143 interrupted with something unsent.
`;
}

function optionText({
  name,
  aliases = [],
  short,
  kind,
  placeholder,
  description,
}: OptionDefinition): string {
  const spelled = [
    ...(short === undefined ? [] : [`-${short}`]),
    ...[name, ...aliases].map((long) => `--${long}`),
  ].map((spelling) => `\\fB${roff(spelling)}\\fR`);
  const value = kind === 'flag' ? '' : ` \\fI${roff(placeholder ?? '')}\\fR`;
  return `.TP\n${spelled.join(', ')}${value}\n${roff(description)}`;
}

/** A dash is a minus, and a line does not begin with a control character. */
function roff(text: string): string {
  return text.replaceAll('\\', '\\e').replaceAll('-', '\\-').replace(/^[.']/, '\\&$&');
}
