import { defineConfig } from 'vite';

export default defineConfig({
  // Straight from the sources of the packages, as the tests have them: the page needs no build but this one.
  resolve: { conditions: ['mqtt-kit-source', 'module', 'browser', 'production'] },
  build: { outDir: 'dist/page', emptyOutDir: true, modulePreload: { polyfill: false } },
});
