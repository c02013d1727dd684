// Preloaded beside typescript.mjs in Jest's workers.
import { registerHooks } from 'node:module';

const globals = import.meta.resolve('./globals.mjs');
registerHooks({
  resolve: (specifier, context, next) =>
    specifier === '@jest/globals' ? { url: globals, shortCircuit: true } : next(specifier, context),
});
