export { type FileStoreOptions, fileStore, type RepairReport } from './file-session-store.ts';
