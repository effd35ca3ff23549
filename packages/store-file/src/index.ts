export { type FileStoreOptions, fileStore } from './file-session-store.ts';
