/** `mqtt-kit/store-file`: sessions in files, for Node and what is compatible with it. */
export { type FileStoreOptions, fileStore, type RepairReport } from '@mqtt-kit/store-file';
