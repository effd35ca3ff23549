/** `mqtt-kit/store-indexeddb`: sessions in IndexedDB, for pages and workers. */
export {
  type IndexedDbStoreOptions,
  type IndexedDbStoreStatus,
  indexedDbStore,
} from '@mqtt-kit/store-indexeddb';
