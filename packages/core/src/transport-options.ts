/** Options that concern the transport alone, checked and copied. */
import { MqttUsageError } from './errors.ts';
import { checkBoolean, checkOneOf, checkOptions, expectation, given } from './option-check.ts';
import type { TlsOptions, WebSocketOptions } from './transport.ts';

const tlsNames = [
  'ca',
  'cert',
  'key',
  'passphrase',
  'servername',
  'alpnProtocols',
  'rejectUnauthorized',
  'minVersion',
] as const satisfies readonly (keyof TlsOptions)[];

const webSocketNames = [
  'headers',
  'protocols',
] as const satisfies readonly (keyof WebSocketOptions)[];

/** `undefined` when nothing is set. */
export function checkTlsOptions(value: unknown): TlsOptions | undefined {
  if (value === undefined) return undefined;
  const options = checkOptions('tls', value, tlsNames);
  if (options.size === 0) return undefined;
  for (const [name, other] of [
    ['cert', 'key'],
    ['key', 'cert'],
    ['passphrase', 'key'],
  ] as const) {
    if (!options.has(name) || options.has(other)) continue;
    throw new MqttUsageError(`tls.${name} needs tls.${other} with it, which is missing`);
  }
  const checked: { -readonly [K in keyof TlsOptions]: TlsOptions[K] } = {};
  for (const [name, item] of options) {
    switch (name as keyof TlsOptions) {
      case 'ca':
        checked.ca = Array.isArray(item)
          ? item.map((one: unknown, index) => checkPem(`tls.ca[${index}]`, one))
          : checkPem('tls.ca', item);
        break;
      case 'cert':
        checked.cert = checkPem('tls.cert', item);
        break;
      case 'key':
        checked.key = checkPem('tls.key', item);
        break;
      case 'passphrase':
        checked.passphrase = checkText('tls.passphrase', item);
        break;
      case 'servername':
        checked.servername = checkText('tls.servername', item);
        break;
      case 'alpnProtocols':
        checked.alpnProtocols = checkTexts('tls.alpnProtocols', item);
        break;
      case 'rejectUnauthorized':
        checked.rejectUnauthorized = checkBoolean('tls.rejectUnauthorized', item);
        break;
      case 'minVersion':
        checked.minVersion = checkOneOf('tls.minVersion', item, ['TLSv1.2', 'TLSv1.3']);
        break;
    }
  }
  return checked;
}

/** `undefined` when nothing is set. */
export function checkWebSocketOptions(value: unknown): WebSocketOptions | undefined {
  if (value === undefined) return undefined;
  const options = checkOptions('webSocket', value, webSocketNames);
  if (options.size === 0) return undefined;
  const headers = options.get('headers');
  const protocols = options.get('protocols');
  return {
    ...(headers !== undefined && { headers: checkHeaders(headers) }),
    ...(protocols !== undefined && { protocols: checkTexts('webSocket.protocols', protocols) }),
  };
}

function checkHeaders(value: unknown): Readonly<Record<string, string>> {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw expectation('webSocket.headers', 'an object of strings', value);
  }
  return Object.fromEntries(
    Object.entries(value).map(([name, text]) => [
      name,
      // Headers hold tokens: their values are not shown.
      checkText(`webSocket.headers[${given(name)}]`, text),
    ]),
  );
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
