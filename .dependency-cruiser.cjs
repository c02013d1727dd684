// Who may import whom. tools/boundaries.spec.ts proves that each rule bites.
const forbid = (name, from, to) => ({ name, severity: 'error', from: { path: from }, to });
const domain = '^services/[^/]+/src/[^/]+/[^/.]+\\.ts$'; // inside a folder, no suffix
// Pure as well: hashes, comparisons, decimals.
const computing = '^(node:)?(crypto|util)$|node_modules/decimal\\.js/';

module.exports = {
  forbidden: [
    forbid('no-cycles', '.', { circular: true }),
    forbid('contracts-stand-alone', '^libs/contracts/', { pathNot: ['^libs/contracts/', 'typebox'] }),
    forbid('kernel-knows-no-framework', '^libs/event-sourcing/', {
      path: ['@nestjs', '^libs/(?!event-sourcing|contracts)'],
    }),
    // OpenTelemetry is set up in one place; whoever is measured knows no more than its API.
    forbid('telemetry-is-set-up-once', '^(libs|services|apps)/(?!service/src/telemetry\\.ts$)', {
      path: '@opentelemetry/(?!api/|semantic-conventions/)',
    }),
    forbid('libs-do-not-know-services', '^libs/', { path: '^(services|apps)/' }),
    forbid('libs-by-their-door', '^(services|apps)/', { path: '^libs/[^/]+/(?!src/(index|testing|scenario)\\.ts$)' }),
    forbid('services-are-islands', '^services/([^/]+)/', { path: '^services/', pathNot: '^services/$1/' }),
    forbid('domain-is-pure', domain, {
      pathNot: ['^libs/(contracts|event-sourcing|language|tables)/', domain, computing],
    }),
    forbid('views-do-not-decide', '\\.view\\.ts$', { path: [domain, '\\.controller\\.ts$'] }),
    forbid('web-sees-only-contracts', '^apps/web/', { path: '^(services|libs/(?!contracts/))' }),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true, // an import of types is an import
    // Workspace packages are links in node_modules: followed to libs/*/src, so that the rules see where code really is.
    preserveSymlinks: false,
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
      extensions: ['.ts', '.tsx', '.mjs', '.js', '.json'],
    },
  },
};
