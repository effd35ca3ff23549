/**
 * The two globals that this package uses. Every runtime has them, yet neither the es2023 library
 * nor any other that is free of a runtime declares them. Nothing else may be added here.
 */
declare class TextDecoder {
  constructor(label: 'utf-8', options: { readonly fatal: true; readonly ignoreBOM: true });
  decode(bytes: Uint8Array): string;
}

declare class TextEncoder {
  encodeInto(text: string, target: Uint8Array): { read: number; written: number };
}
