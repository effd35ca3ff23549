/**
 * `--doctor URL`: looks at a server step by step, from its name to shared subscriptions, and says at each step what was
 * seen. Each step builds on those before it: past a failure of the way there nothing more is tried.
 */
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns/promises';
import { connect as connectSocket, isIP, type Socket } from 'node:net';
import type { ConnectOptions, Message, MqttClient, MqttError, QoS } from 'mqtt-kit';
import type { ConnectionPlan } from './connection-options.ts';
import { escapeText } from './escape-text.ts';

/** One step of the report. */
export interface Finding {
  readonly step: string;
  readonly ok: boolean;
  readonly ms: number;
  readonly detail: string;
}

/** A report, and the error that ended it, if any. */
export interface DoctorReport {
  readonly url: string;
  readonly findings: readonly Finding[];
  readonly error: MqttError | undefined;
}

type Connect = (url: string, options: ConnectOptions) => Promise<MqttClient>;

/** How long an answer may take. */
const answerMs = 5000;

/** Looks at the server of a plan; `tell` hears of each step when it is done. */
export async function examine(
  plan: ConnectionPlan,
  connect: Connect,
  tell: (finding: Finding) => void,
): Promise<DoctorReport> {
  const findings: Finding[] = [];
  let error: MqttError | undefined;
  const step = async (name: string, run: () => Promise<string>): Promise<boolean> => {
    const beganMs = performance.now();
    let finding: Finding;
    try {
      const detail = await run();
      finding = { step: name, ok: true, ms: elapsed(beganMs), detail };
    } catch (thrown) {
      error ??= thrown as MqttError;
      finding = { step: name, ok: false, ms: elapsed(beganMs), detail: problem(thrown) };
    }
    findings.push(finding);
    tell(finding);
    return finding.ok;
  };
  const report = (): DoctorReport => ({ url: plan.url, findings, error });
  if (!plan.url.startsWith('mqtt+unix:') && !(await examineWay(plan, step))) {
    // What the client says of it knows more of exit codes.
    error = await connectError(plan, connect, error);
    return report();
  }
  let client: MqttClient | undefined;
  const connected = await step('CONNECT', async () => {
    client = await connect(plan.url, { ...plan.options, reconnect: false });
    return `accepted, client identifier ${client.clientId}`;
  });
  if (!connected || client === undefined) return report();
  try {
    await examineServer(client, step);
  } finally {
    await client.close({ timeoutMs: 1000 });
  }
  return report();
}

type Step = (name: string, run: () => Promise<string>) => Promise<boolean>;

async function examineWay(plan: ConnectionPlan, step: Step): Promise<boolean> {
  const { hostname, port, protocol } = new URL(plan.url.replace(/^(mqtt|ws)(s?):/, 'http$2:'));
  const secure = protocol === 'https:';
  const host = hostname.replace(/^\[|\]$/g, '');
  const web = plan.url.startsWith('ws');
  const number = Number(port || (web ? (secure ? 443 : 80) : secure ? 8883 : 1883));
  if (isIP(host) === 0) {
    const found = await step('name', async () => {
      const addresses = await lookup(host, { all: true });
      return addresses.map(({ address }) => address).join(', ');
    });
    if (!found) return false;
  }
  let socket: Socket | undefined;
  const reached = await step('TCP', async () => {
    socket = await openSocket(host, number);
    return `${socket.remoteAddress} port ${socket.remotePort}`;
  });
  if (!reached || socket === undefined) return false;
  if (!secure) {
    socket.destroy();
    return true;
  }
  const plain = socket;
  const shaken = await step('TLS', () => examineTls(plain, host, plan));
  plain.destroy();
  return shaken;
}

function openSocket(host: string, port: number): Promise<Socket> {
  return new Promise((resolve, reject) => {
    const socket = connectSocket({ host, port, autoSelectFamily: true, timeout: answerMs });
    socket.once('connect', () => resolve(socket));
    socket.once('timeout', () => socket.destroy(new Error('no answer')));
    socket.once('error', reject);
  });
}

/** The certificate is looked at even when it is not trusted: that is what one wants to know then. */
async function examineTls(plain: Socket, host: string, plan: ConnectionPlan): Promise<string> {
  const { connect } = await import('node:tls');
  const { ca, cert, key } = plan.options.tls ?? {};
  return new Promise((resolve, reject) => {
    const socket = connect({
      socket: plain,
      host,
      ...(isIP(host) === 0 ? { servername: host } : {}),
      rejectUnauthorized: false,
      ...(ca === undefined ? {} : { ca: ca as string }),
      ...(cert === undefined ? {} : { cert: cert as string }),
      ...(key === undefined ? {} : { key: key as string }),
    });
    socket.once('error', reject);
    socket.once('secureConnect', () => {
      const certificate = socket.getPeerCertificate();
      const { subject, issuer, subjectaltname, valid_to: until } = certificate;
      const names = subjectaltname?.replaceAll(/DNS:|IP Address:/g, '') ?? subject?.CN ?? 'nobody';
      const days = Math.floor((Date.parse(until) - Date.now()) / 86_400_000);
      const text = `${socket.getProtocol()}, certificate for ${names}, from ${issuer?.CN ?? 'nobody'}, valid for ${days} days`;
      const refusal = socket.authorizationError;
      socket.destroy();
      if (
        refusal === undefined ||
        refusal === null ||
        plan.options.tls?.rejectUnauthorized === false
      ) {
        resolve(text);
      } else reject(new Error(`${text}; not trusted: ${String(refusal)}`));
    });
  });
}

async function connectError(
  plan: ConnectionPlan,
  connect: Connect,
  before: MqttError | undefined,
): Promise<MqttError | undefined> {
  try {
    const client = await connect(plan.url, { ...plan.options, reconnect: false });
    await client.close({ timeoutMs: 0 });
    return before;
  } catch (error) {
    return error as MqttError;
  }
}

async function examineServer(client: MqttClient, step: Step): Promise<void> {
  await step('limits', () => Promise.resolve(limits(client)));
  const root = `mqtt-doctor/${randomBytes(8).toString('hex')}`;
  const heard = new Map<string, () => void>();
  const subscribed = await step('SUBSCRIBE', async () => {
    await client.subscribe(`${root}/+`, { qos: 2, timeoutMs: answerMs }, ({ topic }: Message) => {
      heard.get(topic)?.();
    });
    return `with a wildcard: ${root}/+`;
  });
  for (const qos of [0, 1, 2] as const) {
    await step(`QoS ${qos}`, () => roundTrip(client, `${root}/q${qos}`, qos, heard, subscribed));
  }
  await step('retained', () => retained(client, `${root}/kept/it`));
  await step('shared', async () => {
    const { sharedSubscriptionAvailable = true } = client.server ?? {};
    if (!sharedSubscriptionAvailable) return 'not offered by the server';
    const subscription = await client.subscribe(`$share/doctor/${root}/shared`, {
      timeoutMs: answerMs,
    });
    await subscription.unsubscribe({ timeoutMs: answerMs });
    return 'shared subscriptions are granted';
  });
}

function limits({ server }: MqttClient): string {
  if (server === undefined) throw new Error('the connection is gone');
  const { reasons, maximumQos, receiveMaximum, maximumPacketSize, topicAliasMaximum } = server;
  const { retainAvailable, keepAliveSeconds } = server;
  return [
    reasons ? 'MQTT 5.0' : 'MQTT 3.1.1',
    `QoS up to ${maximumQos}`,
    `${receiveMaximum} messages in flight`,
    `packets up to ${maximumPacketSize} bytes`,
    `${topicAliasMaximum} topic aliases`,
    `keep-alive ${keepAliveSeconds} s`,
    ...(retainAvailable ? [] : ['no retained messages']),
  ].join(', ');
}

async function roundTrip(
  client: MqttClient,
  topic: string,
  qos: QoS,
  heard: Map<string, () => void>,
  listening: boolean,
): Promise<string> {
  const beganMs = performance.now();
  const back = new Promise<void>((resolve) => heard.set(topic, resolve));
  await client.publish(topic, 'mqtt-doctor', { qos, timeoutMs: answerMs });
  const acknowledged = qos === 0 ? '' : `acknowledged in ${shownMs(elapsed(beganMs))}, `;
  if (!listening) return `${acknowledged}nobody listens`;
  await within(back, `the message on ${topic} did not come back`);
  return `${acknowledged}there and back in ${shownMs(elapsed(beganMs))}`;
}

/** A retained message is kept, comes to who subscribes later, and is gone again. */
async function retained(client: MqttClient, topic: string): Promise<string> {
  if (client.server?.retainAvailable === false) return 'not offered by the server';
  await client.publish(topic, 'mqtt-doctor', { qos: 1, retain: true, timeoutMs: answerMs });
  try {
    const came = new Promise<void>((resolve, reject) => {
      client
        .subscribe(topic, { timeoutMs: answerMs }, ({ retain }) => {
          if (retain) resolve();
        })
        .catch(reject);
    });
    await within(came, 'the retained message did not come');
    return 'kept, and sent to a later subscriber';
  } finally {
    await client.publish(topic, '', { qos: 1, retain: true, timeoutMs: answerMs });
  }
}

function within(promise: Promise<void>, why: string): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error(why)), answerMs);
    promise.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

function elapsed(beganMs: number): number {
  return performance.now() - beganMs;
}

function problem(thrown: unknown): string {
  const { message, hint } = thrown as { message: string; hint?: string };
  return hint === undefined ? message : `${message} ${hint}`;
}

/** `ok    TCP         1.2 ms  127.0.0.1 port 1883`. */
export function findingLine({ step, ok, ms, detail }: Finding): string {
  return `${ok ? 'ok  ' : 'FAIL'}  ${step.padEnd(9)} ${shownMs(ms).padStart(9)}  ${escapeText(detail)}`;
}

function shownMs(ms: number): string {
  return ms < 100 ? `${ms.toFixed(1)} ms` : `${Math.round(ms)} ms`;
}
