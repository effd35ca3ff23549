export {
  type IndexedDbStoreOptions,
  type IndexedDbStoreStatus,
  indexedDbStore,
} from './indexed-db-session-store.ts';
