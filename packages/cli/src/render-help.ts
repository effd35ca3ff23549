import yargs, { type Options } from 'yargs';
import {
  type OptionDefinition,
  optionGroups,
  optionsOf,
  type ProgramName,
} from './option-table.ts';

const usage: Readonly<Record<ProgramName, string>> = {
  'mqtt-pub': 'Publishes MQTT messages.\n\nUsage: mqtt-pub [OPTIONS] TOPIC [MESSAGE]',
  'mqtt-sub': 'Shows MQTT messages as they come.\n\nUsage: mqtt-sub [OPTIONS] TOPIC',
  'mqtt-request':
    'Publishes a request and shows the response.\n\nUsage: mqtt-sub --request [OPTIONS] TOPIC [MESSAGE]',
};

/** To be copied as they are. A line is shorter than `columns`, or it would be broken. */
const examples: Readonly<Record<ProgramName, string>> = {
  'mqtt-pub': `Examples:
  mqtt-pub house/light on                            # server on this machine
  mqtt-pub -h test.mosquitto.org house/light on      # another server
  mqtt-pub -q 1 -r -t house/door -m open             # acknowledged, and kept
  mqtt-pub -r -n -t house/door                       # removes what was kept
  vmstat -n 5 | mqtt-pub -q 1 -l -t pc/vmstat        # each line a message
  MQTT_PASSWORD=x mqtt-pub -L mqtts://me@host/t -m 1 # TLS and a password`,
  'mqtt-sub': `Examples:
  mqtt-sub 'house/+/temperature'                     # server on this machine
  mqtt-sub -v -h test.mosquitto.org 'house/#'        # another, with topics
  mqtt-sub -C 1 -W 5 -t house/door                   # one message, within 5 s
  mqtt-sub -c -i desk -q 1 -t 'house/#'              # also what came meanwhile
  mqtt-sub -v -t '$SYS/#'                            # what the server tells
  MQTT_PASSWORD=x mqtt-sub -L 'mqtts://me@host/t/#'  # TLS and a password`,
  'mqtt-request': `Examples:
  mqtt-sub --request house/boiler/get temperature    # server on this machine
  mqtt-sub --request -W 5 -t time -n                 # within 5 s, empty request
  mqtt-sub --request -e reply/me -t time -m now      # a response topic of ours`,
};

const columns = 80;

/** The help text of a program: the common options with examples, or all options in groups. */
export async function renderHelp(program: ProgramName, all: boolean): Promise<string> {
  const options = all ? inGroups(optionsOf(program)) : optionsOf(program).filter(isCommon);
  const text = await yargs([])
    .scriptName(program)
    .locale('en')
    .wrap(columns)
    .help(false)
    .version(false)
    .exitProcess(false)
    .usage(usage[program])
    .options(Object.fromEntries(options.map((option) => [option.name, yargsOption(option, all)])))
    .epilogue(all ? exitCodes : examples[program])
    .getHelp();
  return `${text}\n`;
}

function isCommon(option: OptionDefinition): boolean {
  return option.common === true;
}

/** yargs shows groups in the order in which it meets them. */
function inGroups(options: readonly OptionDefinition[]): readonly OptionDefinition[] {
  return optionGroups.flatMap((group) => options.filter((option) => option.group === group));
}

function yargsOption(option: OptionDefinition, all: boolean): Options {
  return {
    ...(option.short === undefined ? {} : { alias: option.short }),
    describe: option.description,
    group: all ? `${option.group}:` : 'Options:',
    ...(option.kind === 'flag' ? {} : { requiresArg: true }),
  };
}

const exitCodes = `Exit codes:
  0 done                   69 unreachable, or refused    75 connection lost
  1 cannot write           70 internal error             76 TLS or protocol
 27 time limit of -W       73 publish refused            77 not authorised
 64 usage                  74 subscription refused      130 interrupted (143
 68 host not found                                          terminated) unsent`;
