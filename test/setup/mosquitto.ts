import { mkdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type CertificateName, certificates } from './certificates.ts';
import { type Child, runChild, startChild } from './child-process.ts';
import { freePorts, isListening } from './ports.ts';
import { programOf } from './requires.ts';
import { temporaryFolder } from './temporary-folder.ts';
import { until } from './until.ts';

/** One listener of a mosquitto. */
export interface MosquittoListener {
  /** Speaks TLS with this certificate. */
  readonly certificate?: CertificateName;
  /** With a certificate: clients need one too, whose common name becomes the user name. */
  readonly clientCertificates?: boolean;
  readonly webSocket?: boolean;
  /** Passwords by user name; without it everybody may connect. */
  readonly users?: Readonly<Record<string, string>>;
  /** Lines of an access control list. */
  readonly acl?: readonly string[];
  /** Further lines of this listener's configuration: `max_qos 1`. */
  readonly settings?: readonly string[];
}

export interface MosquittoOptions<Name extends string> {
  readonly listeners: Readonly<Record<Name, MosquittoListener>>;
  /** Keeps sessions and retained messages over a restart, a killed process included. Default false. */
  readonly persistence?: boolean;
  /** Further lines of the general configuration. */
  readonly settings?: readonly string[];
}

/** A running mosquitto, which ends with this process at the latest. */
export interface Mosquitto<Name extends string> extends AsyncDisposable {
  port(listener: Name): number;
  /** `mqtt://127.0.0.1:PORT` and the like, for `connect`. */
  url(listener: Name): string;
  /** All that it has logged, over all its lives. */
  readonly log: string;
  /** Of the process that runs now. */
  readonly pid: number;
  /** Waits for a line of the log: a SUBSCRIBE of a client, for example. */
  logged(pattern: RegExp, limitMs?: number): Promise<void>;
  /** When it saved its sessions last, in milliseconds since 1970; `undefined` when it has not. */
  readonly savedAtMs: number | undefined;
  /** Ends it. SIGKILL leaves it no time to save anything. */
  stop(signal?: 'SIGTERM' | 'SIGKILL'): Promise<void>;
  /** Starts it again after `stop`, on the same ports, with the same folder. */
  start(): Promise<void>;
}

/** Starts a mosquitto on free ports of the loopback interface. Resolves when all listeners take connections. */
export async function startMosquitto<Name extends string>(
  options: MosquittoOptions<Name>,
): Promise<Mosquitto<Name>> {
  // A port may be taken between finding and using it.
  for (let attempt = 1; ; attempt++) {
    const names = Object.keys(options.listeners) as Name[];
    const ports = await freePorts(names.length);
    const portOf = new Map(names.map((name, index) => [name, ports[index] as number]));
    const broker = await prepare(options, portOf);
    try {
      await broker.start();
      return broker;
    } catch (error) {
      if (attempt === 3 || !/Address already in use/.test(broker.log)) throw error;
    }
  }
}

async function prepare<Name extends string>(
  options: MosquittoOptions<Name>,
  ports: ReadonlyMap<Name, number>,
): Promise<Mosquitto<Name>> {
  const folder = temporaryFolder('mosquitto');
  const configuration = join(folder, 'mosquitto.conf');
  writeFileSync(configuration, (await configurationLines(options, ports, folder)).join('\n'));
  const port = (listener: Name) => ports.get(listener) as number;
  let earlierLog = '';
  let child: Child | undefined;
  const log = () => earlierLog + (child?.stderr ?? '');

  const start = async () => {
    if (child?.running) throw new Error('this mosquitto is running already');
    earlierLog = log();
    const current = startChild(programOf('mosquitto'), ['-c', configuration]);
    child = current;
    for (const listener of ports.keys()) {
      await until(() => {
        if (!current.running) throw new Error(`mosquitto ended at once:\n${current.stderr}`);
        return isListening(port(listener));
      }, `mosquitto's listener ${listener} takes connections`);
    }
  };
  const stop = async (signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM') => {
    await child?.stop(signal);
  };
  return {
    port,
    url: (listener) => `${scheme(options.listeners[listener])}://127.0.0.1:${port(listener)}`,
    get log() {
      return log();
    },
    get pid() {
      return child?.pid ?? 0;
    },
    get savedAtMs() {
      return statSync(join(folder, 'data', 'mosquitto.db'), { throwIfNoEntry: false })?.mtimeMs;
    },
    logged: (pattern, limitMs) =>
      until(() => pattern.test(log()), `mosquitto logs ${pattern}`, limitMs),
    stop,
    start,
    [Symbol.asyncDispose]: () => stop('SIGKILL'),
  };
}

function scheme({ certificate, webSocket }: MosquittoListener): string {
  const name = webSocket ? 'ws' : 'mqtt';
  return certificate === undefined ? name : `${name}s`;
}

async function configurationLines<Name extends string>(
  options: MosquittoOptions<Name>,
  ports: ReadonlyMap<Name, number>,
  folder: string,
): Promise<string[]> {
  const lines = ['per_listener_settings true', 'log_dest stderr', 'log_type all'];
  lines.push('set_tcp_nodelay true', 'connection_messages true');
  // As root it would change to a user of its own, who may not read our folder.
  if (process.getuid?.() === 0) lines.push('user root');
  if (options.persistence) {
    const data = join(folder, 'data');
    mkdirSync(data);
    lines.push('persistence true', `persistence_location ${data}/`);
    lines.push('autosave_on_changes true', 'autosave_interval 1');
  }
  lines.push(...(options.settings ?? []));
  for (const [name, port] of ports) {
    lines.push(...(await listenerLines(name, port, options.listeners[name], folder)));
  }
  return [...lines, ''];
}

async function listenerLines(
  name: string,
  port: number,
  listener: MosquittoListener,
  folder: string,
): Promise<string[]> {
  const lines = ['', `listener ${port} 127.0.0.1`];
  if (listener.webSocket) lines.push('protocol websockets');
  if (listener.certificate !== undefined) {
    const { authority, [listener.certificate]: own } = certificates();
    lines.push(`cafile ${authority.path}`, `certfile ${own.cert.path}`, `keyfile ${own.key.path}`);
  }
  if (listener.clientCertificates) {
    lines.push('require_certificate true', 'use_identity_as_username true');
  }
  if (listener.users === undefined) {
    lines.push(`allow_anonymous ${!listener.clientCertificates}`);
  } else {
    const path = join(folder, `${name}.passwords`);
    for (const [index, [user, password]] of Object.entries(listener.users).entries()) {
      const words = [...(index === 0 ? ['-c'] : []), '-b', path, user, password];
      await runChild(programOf('mosquitto_passwd'), words);
    }
    lines.push('allow_anonymous false', `password_file ${path}`);
  }
  if (listener.acl !== undefined) {
    const path = join(folder, `${name}.acl`);
    writeFileSync(path, [...listener.acl, ''].join('\n'), { mode: 0o600 });
    lines.push(`acl_file ${path}`);
  }
  return [...lines, ...(listener.settings ?? [])];
}
