/** Options that concern the transport alone, checked and copied. */
import { MqttUsageError } from './errors.ts';
import { checkBoolean, checkGroup, checkOneOf, expectation, given } from './option-check.ts';
import type { TlsOptions, WebSocketOptions } from './transport.ts';

const tlsChecks: {
  readonly [Name in keyof TlsOptions]-?: (name: string, value: unknown) => TlsOptions[Name];
} = {
  ca: checkPems,
  cert: checkPem,
  key: checkPem,
  passphrase: checkText,
  servername: checkText,
  alpnProtocols: checkTexts,
  rejectUnauthorized: checkBoolean,
  minVersion: (name, value) =>
    checkOneOf<'TLSv1.2' | 'TLSv1.3'>(name, value, ['TLSv1.2', 'TLSv1.3']),
};

const webSocketNames = [
  'headers',
  'protocols',
] as const satisfies readonly (keyof WebSocketOptions)[];

/** `undefined` when nothing is set. */
export function checkTlsOptions(value: unknown): TlsOptions | undefined {
  if (value === undefined) return undefined;
  const options = checkGroup('tls', value, Object.keys(tlsChecks));
  if (options.size === 0) return undefined;
  for (const [name, other] of [
    ['cert', 'key'],
    ['key', 'cert'],
    ['passphrase', 'key'],
  ] as const) {
    if (!options.has(name) || options.has(other)) continue;
    throw new MqttUsageError(`tls.${name} needs tls.${other} with it, which is missing`);
  }
  return Object.fromEntries(
    Array.from(options, ([name, item]) => [
      name,
      tlsChecks[name as keyof TlsOptions](`tls.${name}`, item),
    ]),
  );
}

/** `undefined` when nothing is set. */
export function checkWebSocketOptions(value: unknown): WebSocketOptions | undefined {
  if (value === undefined) return undefined;
  const options = checkGroup('webSocket', value, webSocketNames);
  if (options.size === 0) return undefined;
  const headers = options.optional('headers', checkHeaders);
  const protocols = options.optional('protocols', checkTexts);
  return {
    ...(headers !== undefined && { headers }),
    ...(protocols !== undefined && { protocols }),
  };
}

function checkHeaders(name: string, value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw expectation(name, 'an object of strings', value);
  }
  return Object.fromEntries(
    Object.entries(value).map(([header, text]) => [
      header,
      // Headers hold tokens: their values are not shown.
      checkText(`${name}[${given(header)}]`, text),
    ]),
  );
}

function checkPems(
  name: string,
  value: unknown,
): string | Uint8Array | readonly (string | Uint8Array)[] {
  if (!Array.isArray(value)) return checkPem(name, value);
  return value.map((item: unknown, index) => checkPem(`${name}[${index}]`, item));
}

/** PEM text or its bytes. What is in it, the transport finds out. */
function checkPem(name: string, value: unknown): string | Uint8Array {
  if (value instanceof Uint8Array && value.length > 0) return Uint8Array.from(value);
  if (typeof value === 'string' && value !== '') return value;
  const shown = value instanceof Uint8Array ? 'no bytes' : given(value);
  throw new MqttUsageError(`${name} must be a PEM text or its bytes; got ${shown}`);
}

function checkText(name: string, value: unknown): string {
  if (typeof value === 'string') return value;
  throw expectation(name, 'a string', value);
}

function checkTexts(name: string, value: unknown): readonly string[] {
  if (!Array.isArray(value)) throw expectation(name, 'an array of strings', value);
  return value.map((item, index) => checkText(`${name}[${index}]`, item));
}
